//! How a bridge ends, and when it does not start.

use std::time::Duration;

use prompush_testing::{Answer, ScriptedServer, wait_for};
use rustix::process::Signal;

use crate::bridge::client::Client;
use crate::support::{
    Bridge, OurGateway, WAIT_MAX, exposed, now, prompush, run_command, wait_for_lines,
};

#[test]
fn each_signal_ends_it_after_a_last_push() {
    for signal in [Signal::TERM, Signal::INT, Signal::HUP] {
        let gateway = OurGateway::start(&[]);
        let mut bridge = Bridge::start(&gateway.url, &[]);
        let mut client = Client::start(bridge.address);
        client.post("long-1", 0);
        wait_for_lines(&gateway.url, "gptme_llm_requests_total{", |lines| lines.len() == 1);
        // Within the interval, so that only the last push brings it.
        client.post("long-4-shutdown", 0);
        bridge.end_by(signal, 0);
        let requests = exposed(&gateway.url, "gptme_llm_requests_total{");
        assert!(requests.len() == 1 && requests[0].ends_with(" 5"), "{signal:?}: {requests:#?}");
    }
}

#[test]
fn a_gateway_that_hangs_costs_the_deadline_and_a_second_signal_ends_it_at_once() {
    let hanging = ScriptedServer::start([Answer::Hang]);
    let mut bridge = Bridge::start(&hanging.url(), &["--deadline", "1s"]);
    let took = bridge.end_by(Signal::TERM, 69);
    assert!(took < Duration::from_secs(5), "{took:?}");

    let bridge = Bridge::start(&hanging.url(), &["--deadline", "60s"]);
    hanging.wait_for_requests(2, WAIT_MAX);
    let mut bridge = bridge;
    bridge.process.signal(Signal::TERM);
    wait_for(WAIT_MAX, "it has stopped listening", || {
        std::net::TcpStream::connect(bridge.address).is_err().then_some(())
    });
    let started = now();
    bridge.process.signal(Signal::TERM);
    let status = bridge.process.wait(WAIT_MAX);
    assert_eq!(status.code(), None, "it ended by the signal");
    assert!(started.elapsed() < Duration::from_secs(20), "not after the deadline");
}

#[test]
fn a_port_that_is_taken_is_named_with_its_holder() {
    let gateway = OurGateway::start(&[]);
    let bridge = Bridge::start(&gateway.url, &[]);
    let address = bridge.address.to_string();
    let mut second = prompush(&["bridge", "--listen", &address, "--gateway", &gateway.url]);
    let run = run_command(&mut second, "").expect_code(1);
    assert!(
        run.stderr.contains(&format!("cannot listen on `{address}` for OTLP")),
        "{}",
        run.stderr
    );
    if cfg!(target_os = "linux") {
        let holder = format!("process {} (`prompush`) listens there", bridge.process.0.id());
        assert!(run.stderr.contains(&holder), "{}", run.stderr);
    }
    assert!(run.stderr.contains("hint: another program uses the port, perhaps another bridge, and a machine needs only one"), "{}", run.stderr);
    assert_eq!(run.stdout, "");
    bridge.end();
}

#[test]
fn what_cannot_be_meant_is_said() {
    let check = |arguments: &[&str], code: i32, expected: &str| {
        let mut command = prompush(&["bridge", "--listen", "127.0.0.1:0"]);
        let run = run_command(command.args(arguments), "").expect_code(code);
        assert!(run.stderr.contains(expected), "{}", run.stderr);
    };
    check(&["--scrape", "ftp://x"], 2, "cannot use `ftp://x` as `--scrape`");
    check(&["--traces-to", "http://x?y"], 2, "cannot use `http://x?***` as `--traces-to`");
    check(&["--interval", "0s"], 2, "at least `1s`");
    check(&["--rules", "/nonexistent"], 1, "cannot read `/nonexistent`");
    check(&["--gateway", "ftp://x"], 2, "cannot use `ftp://x`");
    let mut command = prompush(&["bridge"]);
    let run = run_command(command.env("PROMPUSH_INTERVAL", "5"), "").expect_code(2);
    assert!(run.stderr.contains("`PROMPUSH_INTERVAL` is `5`"), "{}", run.stderr);
}

#[test]
fn the_port_of_grpc_is_named_as_the_likely_mistake() {
    let gateway = OurGateway::start(&[]);
    let mut command = prompush(&["bridge", "--listen", "127.0.0.1:0", "--gateway", &gateway.url]);
    command.env("OTLP_ENDPOINT", "http://localhost:4317").stderr(std::process::Stdio::piped());
    let mut process = crate::support::Process(command.spawn().expect("the binary starts"));
    let mut stderr = process.0.stderr.take().expect("it is piped");
    let mut words = Vec::new();
    wait_for(WAIT_MAX, "it warns", || {
        let mut bytes = [0; 4096];
        let read = std::io::Read::read(&mut stderr, &mut bytes).ok()?;
        words.extend_from_slice(&bytes[..read]);
        let words = String::from_utf8_lossy(&words);
        (words.contains("`OTLP_ENDPOINT` names port 4317") && words.contains("listening"))
            .then_some(())
    });
    process.signal(Signal::TERM);
    assert_eq!(process.wait(WAIT_MAX).code(), Some(0));
}
