//! A fault behind a bridge costs the clients nothing, and loses nothing that can be kept.

use std::time::Duration;

use prompush_testing::{Answer, KeepAlive, ScriptedServer, free_address};
use rustix::process::Signal;

use crate::bridge::client::Client;
use crate::support::{Bridge, OurGateway, WAIT_MAX, now, otlp_body, run, wait_for_lines};

/// Requests that are timed in each state.
const REQUESTS: usize = 200;

/// The median answer time that the project promises.
const MEDIAN_MAX: Duration = Duration::from_millis(5);

#[test]
fn answers_come_at_once_whatever_gateway_and_target_do() {
    let busy = ScriptedServer::start([Answer::status(503)]);
    let hanging = ScriptedServer::start([Answer::Hang]);
    let up = OurGateway::start(&[]);
    let down = format!("http://{}", free_address());
    for (state, gateway, target) in [
        ("up", &up.url, &up.url),
        ("down", &down, &down),
        ("503", &busy.url(), &busy.url()),
        ("hanging", &hanging.url(), &hanging.url()),
    ] {
        let bridge = Bridge::start(
            gateway,
            &["--traces-to", target, "--interval", "1s", "--deadline", "1s"],
        );
        let mut metrics = KeepAlive::connect(bridge.address).expect("it listens");
        let mut traces = KeepAlive::connect(bridge.address).expect("it listens");
        let (points, spans) = (otlp_body("tools-flush"), vec![b'x'; 100_000]);
        let headers = [("Content-Type", "application/x-protobuf")];
        let mut times: Vec<Duration> = (0..REQUESTS)
            .map(|number| {
                let started = now();
                let answer = match number % 2 {
                    0 => metrics.post("/v1/metrics", &headers, &points),
                    _ => traces.post("/v1/traces", &headers, &spans),
                };
                assert_eq!(answer.expect("an answer").status, 200);
                started.elapsed()
            })
            .collect();
        times.sort();
        let median = times[REQUESTS / 2];
        println!(
            "gateway and target {state}: median {median:?}, longest {:?}",
            times[REQUESTS - 1]
        );
        assert!(median < MEDIAN_MAX, "{state}: {median:?}");
        drop(bridge);
    }
}

#[cfg(unix)]
#[test]
fn more_clients_than_open_files_are_allowed_at_first_are_answered() {
    const CLIENTS: usize = 150;
    let gateway = OurGateway::start(&[]);
    let mut command = std::process::Command::new("sh");
    let run = "ulimit -S -n 64; exec \"$0\" bridge --listen 127.0.0.1:0 --gateway \"$1\"";
    command.args(["-c", run, env!("CARGO_BIN_EXE_prompush"), &gateway.url]);
    let bridge = Bridge::start_command(command);
    let clients: Vec<KeepAlive> = (0..CLIENTS)
        .map(|_| {
            let mut client = KeepAlive::connect(bridge.address).expect("it listens");
            let answer = client.post("/v1/traces", &[], b"x").expect("an answer");
            assert_eq!(answer.status, 200);
            client
        })
        .collect();
    assert_eq!(clients.len(), CLIENTS);
    bridge.end();
}

/// Time that a client's end may take more than without a bridge.
const END_MARGIN: Duration = Duration::from_millis(50);

#[test]
fn a_client_that_keeps_its_connection_ends_no_later() {
    let hanging = ScriptedServer::start([Answer::Hang]);
    let bridge = Bridge::start(&hanging.url(), &["--deadline", "1s"]);
    let median_end = |posts: bool| {
        let mut times: Vec<Duration> = (0..9)
            .map(|run| {
                let mut client = Client::start(bridge.address);
                if posts {
                    client.post("long-1", run * 60);
                    client.post("long-4-shutdown", run * 60);
                }
                let started = now();
                client.end();
                started.elapsed()
            })
            .collect();
        times.sort();
        times[times.len() / 2]
    };
    let (without, with) = (median_end(false), median_end(true));
    println!("a client ends within {without:?} without, {with:?} with exports to the bridge");
    assert!(with < without + END_MARGIN, "{with:?}, {without:?} without");
}

#[test]
fn traces_are_not_sent_back_to_the_bridge() {
    let address = free_address();
    let (listen, url) = (address.to_string(), format!("http://localhost:{}", address.port()));
    let done = run(&["bridge", "--listen", &listen, "--traces-to", &url], "").expect_code(2);
    let start = format!(
        "error: cannot use `{url}` as `--traces-to`: expected an endpoint other than this bridge"
    );
    assert!(done.stderr.starts_with(&start), "{}", done.stderr);
}

#[test]
fn what_no_gateway_took_is_in_the_spool_and_sent_by_the_next_bridge() {
    let spool = tempfile::tempdir().expect("a folder");
    let spool = spool.path().to_str().expect("a path in UTF-8");
    let down = free_address();
    let url = format!("http://{down}");
    let mut bridge = Bridge::start(&url, &["--spool", spool, "--deadline", "2s"]);
    let mut client = Client::start(bridge.address);
    client.post("long-4-shutdown", 0);
    client.end();
    bridge.end_by(Signal::TERM, 0);
    let words: Vec<String> = bridge.log.iter().collect();
    assert!(words.iter().any(|line| line.contains("kept in the spool")), "{words:#?}");

    // The spool is kept by the gateway's URL, so the gateway has to come up there.
    let listen = format!("--web.listen-address={down}");
    let mut command = crate::support::prompush(&["gateway", &listen]);
    let gateway = crate::support::Process(command.spawn().expect("the binary starts"));
    prompush_testing::wait_until(WAIT_MAX, "it listens", || {
        std::net::TcpStream::connect(down).is_ok()
    });
    let next = Bridge::start(&url, &["--spool", spool]);
    wait_for_lines(&url, "gptme_llm_requests_total{", |lines| {
        lines.len() == 1 && lines[0].ends_with(" 5")
    });
    next.end();
    drop(gateway);
}
