//! Programs that serve their metrics are read, mended and pushed.

use std::net::SocketAddr;
use std::path::Path;

use prompush_testing::{Answer, ScriptedServer, free_address, wait_for};

use crate::support::{Bridge, OurGateway, WAIT_MAX, exposed, for_each_gateway, wait_for_lines};

fn otlp_body(name: &str) -> Vec<u8> {
    let fixtures = "../testing/fixtures/scrape";
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(fixtures).join(name))
        .expect("a fixture")
}

#[test]
fn old_gptme_is_mended_and_pushed() {
    for_each_gateway(|gateway| {
        let body = otlp_body("gptme-0.28.3-tool-errors.prom");
        let old = ScriptedServer::start([Answer::status(200).body(body)]);
        let bridge = Bridge::start(gateway, &["--scrape", &old.url()]);
        let lines = wait_for_lines(gateway, "gptme_tool_calls_total{", |lines| !lines.is_empty());
        assert!(lines.iter().all(|line| line.contains("job=\"gptme\"")), "{lines:#?}");
        assert!(lines.iter().all(|line| !line.contains("error_message")), "{lines:#?}");
        assert!(!exposed(gateway, "gptme_tokens_total{").is_empty());
        assert_eq!(old.requests()[0].target, "/metrics");
        let mended = wait_for(WAIT_MAX, "it says what it mended", || {
            bridge.log.try_iter().find(|line| line.contains("has a second HELP or TYPE"))
        });
        assert!(mended.contains("gptme_tool_calls_total"), "{mended}");
        bridge.end();
    });
}

#[test]
fn gptme_server_is_found_behind_its_page() {
    let gateway = OurGateway::start(&[]);
    let page = Answer::status(200).header("Content-Type", "text/html").body("<!doctype html>");
    let metrics = Answer::status(200).body(otlp_body("gptme-server-0.35.1.prom"));
    let server = ScriptedServer::start([page, metrics]);
    let bridge = Bridge::start(&gateway.url, &["--scrape", &server.url()]);
    wait_for_lines(&gateway.url, "gptme_server_requests_total{", |lines| !lines.is_empty());
    assert_eq!(server.requests()[1].target, "/api/v0/metrics");
    bridge.end();
}

/// gptme-server sends some metrics and shows others; here one process shows both.
#[test]
fn what_is_seen_of_one_process_in_two_places_is_one_group() {
    let gateway = OurGateway::start(&[]);
    let [first, second, clashing] = ["a 1\n", "b 2\n", "a 3\n"]
        .map(|body| ScriptedServer::start([Answer::status(200).body(body)]));
    let bridge =
        Bridge::start(&gateway.url, &["--scrape", &first.url(), "--scrape", &second.url()]);
    let instance = format!(":{}\"", std::process::id());
    let is_there = |lines: &[String]| lines.iter().any(|line| line.contains(&instance));
    // The second is read after the first has been pushed, or before: both stay.
    wait_for_lines(&gateway.url, "b{", is_there);
    wait_for_lines(&gateway.url, "a{", is_there);
    bridge.end();
    assert!(is_there(&exposed(&gateway.url, "a{")) && is_there(&exposed(&gateway.url, "b{")));

    // Two of one name cannot be pushed together.
    let arguments = ["--scrape", &first.url(), "--scrape", &clashing.url()];
    let bridge = Bridge::start(&gateway.url, &arguments);
    wait_for(WAIT_MAX, "it says so", || {
        bridge.log.try_iter().find(|line| line.contains("only the first source is pushed"))
    });
    wait_for_lines(&gateway.url, "a{", |lines| lines.iter().any(|line| line.ends_with(" 1")));
    bridge.end();
}

#[test]
fn what_is_not_there_is_said_once_and_what_goes_away_has_its_last_values_pushed() {
    let gateway = OurGateway::start(&[]);
    // Other tests take their ports on 127.0.0.1.
    let address = SocketAddr::from(([127, 0, 0, 2], free_address().port()));
    let url = format!("http://{address}");
    let bridge = Bridge::start(&gateway.url, &["--scrape", &url, "--scrape-interval", "1s"]);
    let words = wait_for(WAIT_MAX, "it says so", || {
        bridge.log.try_iter().find(|line| line.contains("it will be read when it is there"))
    });
    assert!(words.contains(&url), "{words}");

    // Three bodies, the last of a program that has withdrawn its metrics, and then nobody: the interval of 30 s has
    // not passed.
    let bodies = ["a_total 1\n", "a_total 2\n", ""];
    let listener = std::net::TcpListener::bind(address).expect("the port is still free");
    for body in bodies.map(|lines| format!("process_start_time_seconds 1\n{lines}")) {
        let (mut stream, _) = listener.accept().expect("it is read");
        std::io::Read::read(&mut stream, &mut [0; 4096]).expect("a request");
        let head = format!(
            "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        std::io::Write::write_all(&mut stream, format!("{head}{body}").as_bytes())
            .expect("it is taken");
    }
    drop(listener);
    wait_for_lines(&gateway.url, "a_total{", |lines| lines.iter().any(|line| line.ends_with(" 2")));
    let again = bridge.log.try_iter().filter(|line| line.contains("it will be read")).count();
    assert!(again <= 1, "it was said once, and once more when it had gone");
    bridge.end();
}
