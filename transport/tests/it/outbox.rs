//! Guards the outbox: changes arrive in order, or with the same effect, whatever gateways do.

use std::time::Duration;

use prompush::{
    ConfigError, GatewayConfig, Outbox, OutboxBuilder, PushErrorKind, Pusher, Registry,
};
use prompush_testing::{Answer, Pushgateway, RecordedRequest, ScriptedServer, Version};
use prompush_testing::{free_address, wait_until, within};

use crate::support;
use crate::support::{SOON, gauge, key};

fn builder(url: &str) -> OutboxBuilder {
    let config = support::config()
        .attempt_timeout(Duration::from_secs(5))
        .retry_delay_min(Duration::from_millis(10));
    Outbox::builder(url).expect("a good URL").config(config)
}

fn outbox(server: &ScriptedServer) -> Outbox {
    builder(&server.url()).spawn().expect("it starts")
}

/// Sends one change (`put`, `add` or `delete`) of the group with the job `x`.
fn send(outbox: &Outbox, verb: &str, registry: &Registry) {
    match verb {
        "put" => outbox.push(&key("x"), registry).expect("a group"),
        "add" => outbox.add(&key("x"), registry).expect("a group"),
        _ => outbox.delete(&key("x")).expect("a group"),
    }
}

/// `PUT /metrics/job/x a 1, b 2`
fn shown(request: &RecordedRequest) -> String {
    let text = request.text();
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    format!("{} {} {}", request.method, request.target, lines.join(", ")).trim_end().to_owned()
}

fn all(server: &ScriptedServer) -> Vec<String> {
    server.requests().iter().map(shown).collect()
}

#[test]
fn each_verb_arrives_at_its_group() {
    let server = ScriptedServer::start([]);
    let outbox = outbox(&server);
    outbox.push(&key("x"), &gauge("a", 1.0)).unwrap();
    outbox.flush(SOON).unwrap();
    outbox.add(&key("y").with("instance", "i").unwrap(), &gauge("b", 2.0)).unwrap();
    outbox.flush(SOON).unwrap();
    outbox.delete(&key("x")).unwrap();
    outbox.shutdown(SOON).unwrap();
    let y = "POST /metrics/job/y/instance/i b 2";
    assert_eq!(all(&server), ["PUT /metrics/job/x a 1", y, "DELETE /metrics/job/x"]);
}

#[test]
fn changes_during_a_request_are_merged() {
    for (first, then, expected) in [
        ("put", ["put", "put"], "PUT /metrics/job/x c 3"),
        ("put", ["put", "add"], "PUT /metrics/job/x b 2, c 3"),
        ("put", ["add", "add"], "POST /metrics/job/x b 2, c 3"),
        ("add", ["delete", "add"], "PUT /metrics/job/x c 3"),
        ("add", ["add", "delete"], "DELETE /metrics/job/x"),
        // An acknowledged change is not part of the next request.
        ("delete", ["add", "add"], "POST /metrics/job/x b 2, c 3"),
    ] {
        let server = ScriptedServer::start([Answer::status(200).held(), Answer::status(200)]);
        let outbox = outbox(&server);
        send(&outbox, first, &gauge("a", 1.0));
        server.wait_for_requests(1, SOON);
        send(&outbox, then[0], &gauge("b", 2.0));
        send(&outbox, then[1], &gauge("c", 3.0));
        assert_eq!((outbox.pending(), server.requests().len()), (1, 1));
        server.release();
        outbox.flush(SOON).unwrap();
        assert_eq!(all(&server)[1..], [expected], "{first} {then:?}");
        assert_eq!(outbox.pending(), 0);
    }
}

#[test]
fn a_failed_change_is_merged_with_later_ones() {
    for (first, then, expected) in [
        ("put", "add", "PUT /metrics/job/x a 1, b 2"),
        ("add", "add", "POST /metrics/job/x a 1, b 2"),
        ("delete", "add", "PUT /metrics/job/x b 2"),
        ("add", "delete", "DELETE /metrics/job/x"),
        ("delete", "put", "PUT /metrics/job/x b 2"),
    ] {
        let server = ScriptedServer::start([Answer::status(503).held(), Answer::status(200)]);
        let outbox = outbox(&server);
        send(&outbox, first, &gauge("a", 1.0));
        server.wait_for_requests(1, SOON);
        send(&outbox, then, &gauge("b", 2.0));
        server.release();
        outbox.flush(SOON).unwrap();
        assert_eq!(all(&server)[1..], [expected], "{first} then {then}");
    }
}

#[test]
fn calls_do_not_wait_for_a_silent_gateway() {
    let server = ScriptedServer::start([Answer::Hang]);
    let outbox = outbox(&server);
    within(Duration::ZERO, || {
        for value in 0..1000 {
            outbox.push(&key("x"), &gauge("a", f64::from(value))).unwrap();
            outbox.delete(&key("y")).unwrap();
        }
    });
    let deadline = Duration::from_millis(300);
    within(deadline, || outbox.flush(deadline)).unwrap_err();
    within(deadline, || outbox.shutdown(deadline)).unwrap_err();
    assert!(server.requests().len() <= 1, "one request is in flight at a time");
}

#[test]
fn a_late_request_never_comes_last() {
    // The first request is stuck: the gateway may still take it, after the next request.
    let server = ScriptedServer::start([Answer::Hang, Answer::status(200)]);
    let config = GatewayConfig::default().attempt_timeout(Duration::from_millis(300));
    let config = config.proxy_from_environment(false);
    let outbox = builder(&server.url()).config(config).spawn().unwrap();
    outbox.push(&key("x"), &gauge("a", 1.0)).unwrap();
    server.wait_for_requests(1, SOON);
    outbox.push(&key("x"), &gauge("a", 2.0)).unwrap();
    outbox.flush(SOON).unwrap();
    let (first, second) = ("PUT /metrics/job/x a 1", "PUT /metrics/job/x a 2");
    assert_eq!(all(&server), [first, second, second]);
}

#[test]
fn a_gateway_that_answers_twice_acknowledges_once() {
    let twice = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".repeat(2);
    for _ in 0..20 {
        let server = ScriptedServer::start([Answer::Bytes(twice.clone()), Answer::status(200)]);
        let outbox = outbox(&server);
        for value in 1..=3 {
            outbox.push(&key("x"), &gauge("a", f64::from(value))).unwrap();
            outbox.flush(SOON).unwrap();
            let last = all(&server).pop().unwrap();
            assert_eq!(last, format!("PUT /metrics/job/x a {value}"), "acknowledged means sent");
        }
    }
}

#[test]
fn a_refused_group_does_not_block_others() {
    let server = ScriptedServer::start([Answer::status(400).body("no\n"), Answer::status(200)]);
    let outbox = outbox(&server);
    outbox.push(&key("bad"), &gauge("a", 1.0)).unwrap();
    server.wait_for_requests(1, SOON);
    outbox.push(&key("good"), &gauge("a", 2.0)).unwrap();
    wait_until(SOON, "the good group is acknowledged", || {
        all(&server).last().is_some_and(|last| last == "PUT /metrics/job/good a 2")
            && outbox.pending() == 1
    });
    assert_eq!(server.requests().len(), 2, "what is refused is not repeated");
    // A flush retries a refused change.
    outbox.flush(SOON).unwrap();
    assert_eq!(all(&server)[2..], ["PUT /metrics/job/bad a 1"]);
}

#[test]
fn a_flush_reports_the_groups_and_gateways_that_failed() {
    let refusing = ScriptedServer::start([Answer::status(400).body("no\n")]);
    let good = ScriptedServer::start([]);
    let dead = format!("http://{}", free_address());
    let outbox = builder(&refusing.url()).gateway(&good.url()).unwrap();
    let outbox = outbox.gateway(&dead).unwrap().spawn().unwrap();
    outbox.push(&key("x"), &gauge("a", 1.0)).unwrap();
    outbox.push(&key("y"), &gauge("a", 1.0)).unwrap();
    let deadline = Duration::from_millis(500);
    let error = within(deadline, || outbox.flush(deadline)).unwrap_err();
    assert_eq!((error.kind(), error.answer_text()), (PushErrorKind::Refused(400), Some("no")));
    assert_eq!(error.url().to_string(), format!("{}/metrics/job/x", refusing.url()));
    let others: Vec<String> = error.others().iter().map(|other| other.url().to_string()).collect();
    let expected = [(refusing.url(), "y"), (dead.clone(), "x"), (dead, "y")]
        .map(|(url, job)| format!("{url}/metrics/job/{job}"));
    assert_eq!(others, expected);
    let words = error.to_string();
    assert!(words.contains(&format!("failed as well: `{}`", expected[0])), "{words}");
    assert!(error.others()[1].kind().is_retryable());
    assert_eq!(good.requests().len(), 2, "the good one has been told everything");
    assert_eq!(outbox.pending(), 2);
    let error = within(deadline, || outbox.shutdown(deadline)).unwrap_err();
    assert_eq!(error.others().len(), 3, "{error}");
}

#[test]
fn all_gateways_share_the_deadline_of_a_shutdown() {
    let servers: Vec<_> = (0..4).map(|_| ScriptedServer::start([Answer::Hang])).collect();
    let mut builder = builder(&servers[0].url());
    for server in &servers[1..] {
        builder = builder.gateway(&server.url()).unwrap();
    }
    let deadline = Duration::from_millis(400);
    let outbox = builder.shutdown_deadline(deadline).spawn().unwrap();
    outbox.push(&key("x"), &gauge("a", 1.0)).unwrap();
    for server in &servers {
        server.wait_for_requests(1, SOON);
    }
    within(deadline, || outbox.flush(deadline)).unwrap_err();
    within(deadline, || drop(outbox));
}

#[test]
fn a_pusher_pushes_to_several_gateways() {
    let servers = [ScriptedServer::start([]), ScriptedServer::start([])];
    let registry = gauge("a", 1.0);
    let pusher = Pusher::builder(&servers[0].url(), "x").unwrap();
    let config = GatewayConfig::default().proxy_from_environment(false);
    let pusher = pusher.gateway(&servers[1].url()).unwrap().config(config);
    let pusher = pusher.spawn(registry).unwrap();
    pusher.flush(SOON).unwrap();
    #[cfg(target_os = "linux")]
    for name in ["prompush", "prompush-2"] {
        assert!(thread_names().contains(&name.to_owned()), "{name}: {:?}", thread_names());
    }
    for server in &servers {
        assert_eq!(all(server).last().unwrap(), "PUT /metrics/job/x a 1");
    }
    drop(pusher);
}

#[cfg(target_os = "linux")]
fn thread_names() -> Vec<String> {
    let tasks = std::fs::read_dir("/proc/self/task").expect("a process has threads");
    let comm = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("comm")).ok();
    tasks.flatten().filter_map(comm).map(|name| name.trim_end().to_owned()).collect()
}

#[test]
fn a_gateway_that_comes_back_gets_everything() {
    for version in Version::ALL {
        let Some(mut gateway) = Pushgateway::start(version) else { continue };
        gateway.kill();
        let outbox = builder(gateway.url()).spawn().unwrap();
        for group in 0..20 {
            let key = key("x").with("instance", &group.to_string()).unwrap();
            outbox.push(&key, &gauge("a", 1.0)).unwrap();
            outbox.add(&key, &gauge("b", 2.0)).unwrap();
        }
        assert_eq!(outbox.pending(), 20);
        gateway.restart();
        outbox.flush(SOON * 2).unwrap();
        assert_eq!((outbox.pending(), gateway.groups().len()), (0, 20));
        let exposed = gateway.metrics();
        assert!(exposed.contains("b{instance=\"19\",job=\"x\"} 2"), "{exposed}");
    }
}

#[test]
fn a_change_that_cannot_be_encoded_fails_at_the_call() {
    let outbox = builder("http://127.0.0.1:1");
    let config = GatewayConfig::default().body_bytes_max(10);
    let outbox = outbox.config(config).spawn().unwrap();
    let error = outbox.push(&key("x"), &gauge("a", 1.0)).unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (PushErrorKind::TooLarge, 0));
    assert_eq!(outbox.pending(), 0);
    let error = Outbox::builder("http://gw:port").unwrap_err();
    assert!(matches!(error, ConfigError::Url { .. }), "{error}");
    let error = builder("http://gw").gateway("ftp://gw").unwrap_err();
    assert!(matches!(error, ConfigError::Url { .. }), "{error}");
}
