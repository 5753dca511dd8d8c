//! Guards the promises of the background pusher, and its deadlines.

use std::time::Duration;

use prompush::{AtEnd, ConfigError, PushErrorKind, Pusher, PusherBuilder, Registry};
use prompush_testing::{Answer, ScriptedServer, free_address, within};

use crate::support;
use crate::support::SOON;

/// So long that a test sees only the first regular push.
const NEVER: Duration = Duration::from_hours(1);

fn builder(url: &str) -> PusherBuilder {
    let config = support::config()
        .attempt_timeout(Duration::from_secs(5))
        .retry_delay_min(Duration::from_millis(10));
    Pusher::builder(url, "x").expect("a good URL and job").interval(NEVER).config(config)
}

#[test]
fn pushes_at_once_and_a_last_time() {
    let server = ScriptedServer::start([]);
    let registry = Registry::new();
    let rows = registry.gauge("rows", "Rows.").unwrap();
    let pusher = builder(&server.url()).group("instance", "i").spawn(registry).unwrap();
    server.wait_for_requests(1, SOON);
    rows.set(7.0);
    within(SOON, || pusher.shutdown(SOON)).unwrap();
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    assert!(requests[1].text().ends_with("rows 7\n"));
    assert!(requests.iter().all(|request| request.method == "PUT"));
    assert!(requests.iter().all(|request| request.target == "/metrics/job/x/instance/i"));
}

#[test]
fn dropping_makes_the_last_push_too() {
    let server = ScriptedServer::start([]);
    let registry = Registry::new();
    let rows = registry.gauge("rows", "Rows.").unwrap();
    let pusher = builder(&server.url()).spawn(registry).unwrap();
    rows.set(8.0);
    within(SOON, || drop(pusher));
    assert!(server.requests().last().unwrap().text().ends_with("rows 8\n"));
}

#[test]
fn pushes_every_interval() {
    let server = ScriptedServer::start([]);
    let pusher =
        builder(&server.url()).interval(Duration::from_millis(20)).spawn(Registry::new()).unwrap();
    server.wait_for_requests(10, SOON);
    pusher.shutdown(SOON).unwrap();
}

#[test]
fn flush_means_acknowledged_with_a_state_at_least_as_new() {
    let server = ScriptedServer::start([]);
    let registry = Registry::new();
    let rows = registry.gauge("rows", "Rows.").unwrap();
    let pusher = builder(&server.url()).spawn(registry).unwrap();
    for value in 0..50 {
        rows.set(f64::from(value));
        pusher.flush(SOON).unwrap();
        let seen = server.requests().last().unwrap().text();
        assert!(seen.ends_with(&format!("rows {value}\n")), "{value}: {seen}");
    }
}

#[test]
fn a_flush_during_a_request_waits_for_the_next_one() {
    let server = ScriptedServer::start([Answer::status(200).held(), Answer::status(200)]);
    let registry = Registry::new();
    let rows = registry.gauge("rows", "Rows.").unwrap();
    let pusher = builder(&server.url()).spawn(registry).unwrap();
    server.wait_for_requests(1, SOON);
    rows.set(5.0); // too late for the request in flight
    std::thread::scope(|scope| {
        let flush = scope.spawn(|| pusher.flush(SOON));
        server.release();
        flush.join().unwrap().unwrap();
    });
    let requests = server.requests();
    assert!(requests[0].text().ends_with("rows 0\n"));
    assert!(requests[1].text().ends_with("rows 5\n"));
}

#[test]
fn a_failed_push_is_retried_and_flush_waits_for_it() {
    let script = [503, 503, 500, 200].map(Answer::status);
    let server = ScriptedServer::start(script);
    let pusher = builder(&server.url()).spawn(Registry::new()).unwrap();
    pusher.flush(SOON).unwrap();
    assert!(server.requests().len() >= 4);
}

#[test]
fn flush_reports_the_cause() {
    let server = ScriptedServer::start([Answer::status(400).body("no\n")]);
    let pusher = builder(&server.url()).spawn(Registry::new()).unwrap();
    let error = within(SOON, || pusher.flush(SOON)).unwrap_err();
    assert_eq!((error.kind(), error.answer_text()), (PushErrorKind::Refused(400), Some("no")));
    let error = within(SOON, || pusher.shutdown(SOON)).unwrap_err();
    assert_eq!(error.kind(), PushErrorKind::Refused(400));

    let pusher = builder(&format!("http://{}", free_address())).spawn(Registry::new()).unwrap();
    let deadline = Duration::from_millis(300);
    let error = within(deadline, || pusher.flush(deadline)).unwrap_err();
    assert!(error.kind().is_retryable(), "{error}");
    let error = within(deadline, || pusher.shutdown(deadline)).unwrap_err();
    assert!(error.kind().is_retryable(), "{error}");
}

#[test]
fn deadlines_hold_whatever_the_gateway_does() {
    let deadline = Duration::from_millis(500);
    for answer in [
        Answer::Hang,
        Answer::HangUnread,
        Answer::status(200).dripped(Duration::from_secs(1)),
        Answer::CloseAtOnce,
        Answer::CloseAfterBody,
        Answer::status(503).header("Retry-After", "60"),
    ] {
        let shown = format!("{answer:?}");
        let server = ScriptedServer::start([answer]);
        let start = |deadline| {
            builder(&server.url()).shutdown_deadline(deadline).spawn(Registry::new()).unwrap()
        };
        let pusher = start(deadline);
        within(deadline, || pusher.flush(deadline)).unwrap_err();
        within(deadline, || pusher.shutdown(deadline)).expect_err(&shown);
        let pusher = start(deadline);
        within(deadline, || drop(pusher));
        let pusher = start(deadline);
        within(Duration::ZERO, || pusher.shutdown(Duration::ZERO)).expect_err(&shown);
    }
}

#[test]
fn a_request_in_flight_at_the_end_is_interrupted() {
    let server = ScriptedServer::start([Answer::Hang]);
    let pusher = builder(&server.url()).spawn(Registry::new()).unwrap();
    server.wait_for_requests(1, SOON);
    let deadline = Duration::from_millis(200);
    let error = within(deadline, || pusher.shutdown(deadline)).unwrap_err();
    assert_eq!(error.kind(), PushErrorKind::Timeout);
    assert_eq!(server.connections(), 1, "an abandoned push is not repeated");
}

#[test]
fn one_request_at_a_time() {
    let server = ScriptedServer::start([Answer::status(200).held()]);
    let pusher =
        builder(&server.url()).interval(Duration::from_millis(1)).spawn(Registry::new()).unwrap();
    for count in 1..=20 {
        server.wait_for_requests(count, SOON);
        assert_eq!(server.requests().len(), count);
        server.release();
    }
    drop(server);
    drop(pusher);
}

#[test]
fn a_group_can_be_deleted_at_the_end() {
    let server = ScriptedServer::start([]);
    let pusher = builder(&server.url()).at_end(AtEnd::Delete).spawn(Registry::new()).unwrap();
    server.wait_for_requests(1, SOON);
    pusher.shutdown(SOON).unwrap();
    let methods: Vec<_> = server.requests().into_iter().map(|request| request.method).collect();
    assert_eq!(methods, ["PUT", "DELETE"]);
}

#[test]
fn the_ttl_of_a_group_is_in_the_group() {
    let server = ScriptedServer::start([]);
    let ttl = Duration::from_millis(90_500);
    let pusher = builder(&server.url()).ttl(ttl).spawn(Registry::new()).unwrap();
    pusher.shutdown(SOON).unwrap();
    let body = server.requests()[0].text();
    assert!(body.contains("# TYPE push_ttl_seconds gauge\npush_ttl_seconds 90.5\n"), "{body}");
}

#[test]
fn wrong_options_are_named() {
    let error = Pusher::builder("http://gw:port", "x").unwrap_err();
    assert!(matches!(error, ConfigError::Url { .. }), "{error}");
    let error = Pusher::builder("http://gw", "").unwrap_err();
    assert!(matches!(error, ConfigError::GroupingKey { .. }), "{error}");
    let builder = || builder("http://gw");
    let error = builder().group("le", "1").group("a", "b").spawn(Registry::new()).unwrap_err();
    assert!(matches!(error, ConfigError::GroupingKey { .. }), "{error}");
    let error = builder().interval(Duration::ZERO).spawn(Registry::new()).unwrap_err();
    assert!(error.to_string().contains("`interval`"), "{error}");
}

#[test]
fn an_infinite_interval_is_accepted() {
    let server = ScriptedServer::start([]);
    let pusher = builder(&server.url()).interval(Duration::MAX).spawn(Registry::new()).unwrap();
    within(SOON, || pusher.flush(Duration::MAX)).unwrap();
    within(SOON, || pusher.shutdown(Duration::MAX)).unwrap();
}
