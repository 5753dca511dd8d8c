//! Guards the result and the duration of one push, for every way in which a gateway can misbehave.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use prompush::{
    Gateway, GatewayConfig, GroupingKey, PushError, PushErrorKind, PushReport, Registry,
};
use prompush_testing::{Answer, ScriptedServer, free_address};

use crate::support;

/// The lateness that a busy machine may add to a deadline.
const SLACK: Duration = Duration::from_secs(1);
const TOTAL: Duration = Duration::from_secs(2);

fn config() -> GatewayConfig {
    support::config()
        .attempt_timeout(Duration::from_millis(600))
        .total_timeout(TOTAL)
        .retry_delay_min(Duration::from_millis(10))
}

fn registry() -> Registry {
    let registry = Registry::new();
    registry.gauge("rows", "Rows.").expect("a good name").set(42.0);
    registry
}

fn key() -> GroupingKey {
    GroupingKey::new("x").expect("a good job")
}

/// Pushes, and checks the deadline. Returns the result and the duration.
fn push_to(url: &str, config: GatewayConfig) -> (Result<PushReport, PushError>, Duration) {
    let deadline = config.total_timeout;
    let gateway = Gateway::with_config(url, config).expect("a good URL");
    let start = now();
    let result = gateway.push(&key(), &registry());
    let took = start.elapsed();
    assert!(took < deadline + SLACK, "took {took:?} of {deadline:?}: {result:?}");
    (result, took)
}

#[expect(clippy::disallowed_methods, reason = "how long a push takes is measured from outside")]
fn now() -> Instant {
    Instant::now()
}

fn push(server: &ScriptedServer) -> Result<PushReport, PushError> {
    push_to(&server.url(), config()).0
}

/// Checks the error of a push that fails for good with its first answer.
#[track_caller]
fn check_final(answer: Answer, kind: PushErrorKind, in_cause: &str, in_hint: &str) {
    let server = ScriptedServer::start([answer]);
    let error = push(&server).expect_err("a failure");
    assert_eq!(error.kind(), kind, "{error}");
    assert_eq!((error.attempts(), server.requests().len()), (1, 1), "{error}");
    let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    assert!(cause.contains(in_cause), "{cause}");
    let hint = error.hint().map(|hint| hint.to_string()).unwrap_or_default();
    assert!(hint.contains(in_hint), "{hint}");
}

/// Checks the error of a push that is retried until its deadline.
#[track_caller]
fn check_retried(answer: Answer, kind: PushErrorKind) {
    let server = ScriptedServer::start([answer]);
    let error = push(&server).expect_err("a failure");
    assert_eq!(error.kind(), kind, "{error}: {:?}", std::error::Error::source(&error));
    assert!(error.kind().is_retryable());
    assert!(error.attempts() > 1, "{error}");
}

#[test]
fn a_push_is_a_put_of_text_with_its_length() {
    let server = ScriptedServer::start([Answer::status(200)]);
    let key = GroupingKey::new("nightly import").unwrap().with("instance", "host-1").unwrap();
    let gateway = Gateway::with_config(&format!("{}/prefix/", server.url()), config()).unwrap();
    let report = gateway.push(&key, &registry()).unwrap();
    assert_eq!((report.families, report.samples, report.attempts, report.status), (1, 1, 1, 200));
    gateway.add(&key, &registry()).unwrap();
    gateway.delete(&key).unwrap();
    let requests = server.requests();
    let lines: Vec<String> =
        requests.iter().map(|request| format!("{} {}", request.method, request.target)).collect();
    let path = "/prefix/metrics/job/nightly%20import/instance/host-1";
    assert_eq!(lines, [format!("PUT {path}"), format!("POST {path}"), format!("DELETE {path}")]);
    assert_eq!(report.body_bytes, requests[0].body.len());
    assert!(requests[0].text().ends_with("rows 42\n"), "{}", requests[0].text());
    for (name, value) in [
        ("content-type", "text/plain; version=0.0.4; charset=utf-8"),
        ("content-length", report.body_bytes.to_string().as_str()),
        ("user-agent", concat!("prompush/", env!("CARGO_PKG_VERSION"))),
    ] {
        assert_eq!(requests[0].header(name), Some(value), "{name}");
    }
    assert_eq!(requests[0].header("content-encoding"), None);
    assert_eq!(requests[0].header("authorization"), None);
    assert_eq!(requests[2].body, b"");
}

#[test]
fn credentials_go_in_a_header_only() {
    let server = ScriptedServer::start([Answer::status(401)]);
    let url = server.url().replace("http://", "http://user:se%20cret@");
    let error = push_to(&url, config()).0.unwrap_err();
    let request = &server.requests()[0];
    assert_eq!(request.header("authorization"), Some("Basic dXNlcjpzZSBjcmV0"));
    assert_eq!(request.target, "/metrics/job/x");
    let shown = format!("{error} {error:?} {:?} {}", error.hint(), error.url());
    assert!(shown.contains("http://***@127.0.0.1") && !shown.contains("cret"), "{shown}");
    assert_eq!(error.kind(), PushErrorKind::Refused(401));
}

#[test]
fn an_empty_registry_is_pushed_as_an_empty_body() {
    let server = ScriptedServer::start([Answer::status(200)]);
    let gateway = Gateway::with_config(&server.url(), config()).unwrap();
    let report = gateway.push(&key(), &Registry::new()).unwrap();
    assert_eq!((report.families, report.samples, report.body_bytes), (0, 0, 0));
    assert_eq!(server.requests()[0].header("content-length"), Some("0"));
}

#[test]
fn every_2xx_of_a_gateway_is_a_success() {
    for status in [200, 202, 204] {
        let server = ScriptedServer::start([Answer::status(status)]);
        assert_eq!(push(&server).unwrap().status, status);
    }
}

#[test]
fn a_refusal_is_final_and_quotes_the_refused_line() {
    check_final(
        Answer::status(400).body("text format parsing error in line 3: invalid metric name\n"),
        PushErrorKind::Refused(400),
        "the gateway says: text format parsing error in line 3: invalid metric name; line 3 of the body is `rows 42`",
        "prompush check",
    );
    check_final(
        Answer::status(400).body(
            "pushed metrics are invalid or inconsistent with existing metrics: pushed metrics must not have timestamps\n",
        ),
        PushErrorKind::Refused(400),
        "must not have timestamps",
        "drop the timestamps",
    );
    check_final(
        Answer::status(400).body("\u{1b}[2Jboo"),
        PushErrorKind::Refused(400),
        "\\u{1b}[2Jboo",
        "",
    );
    check_final(
        Answer::status(404).body("404 page not found\n"),
        PushErrorKind::Refused(404),
        "page not found",
        "base URL",
    );
    check_final(Answer::status(413), PushErrorKind::Refused(413), "", "size");
}

#[test]
fn a_long_refusal_is_cut() {
    let server = ScriptedServer::start([Answer::status(400).body("x".repeat(1_000_000))]);
    let error = push(&server).unwrap_err();
    let reason = error.answer_text().unwrap();
    assert!(reason.ends_with("x … (cut)") && reason.len() < 2100, "{}", reason.len());
}

#[test]
fn a_redirect_is_final_and_shows_where_it_points() {
    for status in [301, 302, 307, 308] {
        check_final(
            Answer::status(status).header("Location", "http://127.0.0.1:1/elsewhere"),
            PushErrorKind::Redirected(status),
            "it points to `http://127.0.0.1:1/elsewhere`",
            "elsewhere",
        );
    }
    check_final(Answer::status(301), PushErrorKind::Redirected(301), "", "own URL");
}

#[test]
fn answers_of_other_programs_are_recognised() {
    let page = "<!DOCTYPE html><title>Login</title>";
    let hint = "something else listens there";
    let html = Answer::status(200).header("Content-Type", "text/html; charset=utf-8");
    check_final(html.body(page), PushErrorKind::NotAGateway, "HTML", hint);
    check_final(Answer::status(200).body(page), PushErrorKind::NotAGateway, "HTML", hint);
    let banner = b"SSH-2.0-OpenSSH_9.2\r\n".to_vec();
    check_final(Answer::Bytes(banner), PushErrorKind::NotAGateway, "not HTTP", hint);
    let garbage = vec![0xff; 10_000];
    check_final(Answer::Bytes(garbage), PushErrorKind::NotAGateway, "", hint);
}

#[test]
fn a_busy_gateway_is_retried() {
    let script = [503, 429, 408, 500, 200].map(Answer::status);
    let server = ScriptedServer::start(script);
    assert_eq!(push(&server).unwrap().attempts, 5);
    let bodies = server.requests().into_iter().map(|request| request.body);
    assert_eq!(bodies.collect::<std::collections::BTreeSet<_>>().len(), 1);
    check_retried(Answer::status(503), PushErrorKind::Unavailable(503));
}

#[test]
fn retry_after_is_honoured() {
    let again = Answer::status(503).header("Retry-After", "1");
    let server = ScriptedServer::start([again, Answer::status(200)]);
    let (result, took) = push_to(&server.url(), config());
    assert_eq!(result.unwrap().attempts, 2);
    assert!(took >= Duration::from_secs(1), "{took:?}");
    // A wait that is longer than the deadline is not begun.
    let server = ScriptedServer::start([Answer::status(503).header("Retry-After", "30")]);
    let (result, took) = push_to(&server.url(), config());
    assert_eq!(result.unwrap_err().kind(), PushErrorKind::Unavailable(503));
    assert!(took < TOTAL / 2, "{took:?}");
}

#[test]
fn a_dead_address_takes_no_longer_than_the_deadline() {
    let (result, _) = push_to(&format!("http://{}", free_address()), config());
    let error = result.unwrap_err();
    assert_eq!(error.kind(), PushErrorKind::Unreachable, "{error}");
    assert!(error.attempts() > 3, "{error}");
}

#[test]
fn an_unknown_name_takes_no_longer_than_the_deadline() {
    let (result, _) = push_to("http://gateway.invalid:9091", config());
    assert_eq!(result.unwrap_err().kind(), PushErrorKind::Unreachable);
}

#[test]
fn a_gateway_that_never_answers_takes_no_longer_than_the_deadline() {
    check_retried(Answer::Hang, PushErrorKind::Timeout);
    check_retried(Answer::HangUnread, PushErrorKind::Timeout);
}

#[test]
fn a_dripping_answer_takes_no_longer_than_the_deadline() {
    let drip = |answer: Answer| answer.dripped(Duration::from_millis(100));
    check_retried(drip(Answer::status(200)), PushErrorKind::Timeout);
    // The status has arrived and its text has not: the status decides.
    let mut bytes = b"HTTP/1.1 400 Bad\r\nContent-Length: 1000\r\n\r\n".to_vec();
    bytes.extend([b'x'; 100]);
    let server = ScriptedServer::start([Answer::Bytes(bytes)]);
    assert_eq!(push(&server).unwrap_err().kind(), PushErrorKind::Refused(400));
}

#[test]
fn a_late_gateway_is_waited_for() {
    let server = ScriptedServer::start([Answer::status(200).dripped(Duration::from_millis(1))]);
    assert_eq!(push(&server).unwrap().attempts, 1);
}

#[test]
fn a_connection_closed_before_the_body_is_retried_until_the_deadline() {
    check_retried(Answer::CloseAtOnce, PushErrorKind::Dropped);
    let script = [Answer::CloseAtOnce, Answer::CloseAfterHead, Answer::status(200)];
    let server = ScriptedServer::start(script);
    assert_eq!(push(&server).unwrap().attempts, 3);
}

#[test]
fn a_connection_closed_after_the_body_has_a_hint() {
    let server = ScriptedServer::start([Answer::CloseAfterBody]);
    let error = push(&server).unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (PushErrorKind::Dropped, 3), "{error}");
    let hint = error.hint().unwrap().to_string();
    assert!(hint.contains("1.11.0, as in Debian 13"), "{hint}");
    let script = [Answer::CloseAfterBody, Answer::CloseAfterBody, Answer::status(200)];
    let server = ScriptedServer::start(script);
    assert_eq!(push(&server).unwrap().attempts, 3);
}

#[test]
fn a_truncated_answer_does_not_acknowledge() {
    let stops = Answer::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab".to_vec());
    let server = ScriptedServer::start([stops, Answer::status(200)]);
    assert_eq!(push(&server).unwrap().attempts, 2);
}

#[test]
fn a_body_above_the_limit_is_not_sent() {
    let server = ScriptedServer::start([]);
    let (result, _) = push_to(&server.url(), config().body_bytes_max(10));
    let error = result.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (PushErrorKind::TooLarge, 0));
    assert_eq!(server.connections(), 0);
}

/// A registry whose body is large enough to be announced.
fn large_registry() -> Registry {
    let registry = Registry::new();
    let rows = registry.gauge_family("rows", "Rows.", ["n"]).expect("a good name");
    for n in 0..20_000 {
        rows.with([format!("{n:064}").as_str()]).set(1.0);
    }
    registry
}

#[test]
fn a_large_body_is_announced() {
    let server = ScriptedServer::start([]);
    let gateway = Gateway::with_config(&server.url(), config()).unwrap();
    let report = gateway.push(&key(), &large_registry()).unwrap();
    let request = &server.requests()[0];
    assert_eq!(request.header("expect"), Some("100-continue"));
    assert_eq!(request.body.len(), report.body_bytes);
    let (small, _) = push_to(&server.url(), config());
    small.unwrap();
    assert_eq!(server.requests()[1].header("expect"), None);
}

#[test]
fn a_large_body_can_be_refused_before_it_is_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (mut stream, _) = listener.accept().unwrap();
            let mut head = BufReader::new(&stream).lines();
            while head.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
            stream.write_all(b"HTTP/1.1 413 No\r\nContent-Length: 9\r\n\r\ntoo large").unwrap();
        });
        let gateway = Gateway::with_config(&url, config()).unwrap();
        let error = gateway.push(&key(), &large_registry()).unwrap_err();
        assert_eq!((error.kind(), error.attempts()), (PushErrorKind::Refused(413), 1));
        assert_eq!(error.answer_text(), Some("too large"));
    });
}

#[test]
fn a_server_without_tls_is_recognised() {
    let server = ScriptedServer::start([Answer::status(200)]);
    let url = server.url().replace("http://", "https://");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        });
        let url = format!("https://{}", listener.local_addr().unwrap());
        let error = push_to(&url, config()).0.unwrap_err();
        assert_eq!((error.kind(), error.attempts()), (PushErrorKind::Tls, 1), "{error}");
        assert!(error.hint().unwrap().to_string().contains("http://"));
    });
    // A server that waits for the end of a line during the handshake is merely silent.
    assert!(push_to(&url, config()).0.unwrap_err().kind().is_retryable());
}

#[test]
fn a_timeout_of_zero_is_refused() {
    let config = GatewayConfig::default().attempt_timeout(Duration::ZERO);
    let refused = Gateway::with_config("http://127.0.0.1:1", config).unwrap_err().to_string();
    assert_eq!(refused, "cannot use 0ns as `attempt_timeout`: expected more than zero");
}

#[test]
fn a_deadline_of_zero_returns_at_once() {
    let server = ScriptedServer::start([]);
    let (result, took) = push_to(&server.url(), config().total_timeout(Duration::ZERO));
    assert_eq!(result.unwrap_err().kind(), PushErrorKind::Unreachable);
    assert!(took < SLACK, "{took:?}");
}

#[test]
fn a_list_of_another_program_is_refused() {
    let groups = |answer: Answer| {
        let server = ScriptedServer::start([answer]);
        let gateway = Gateway::with_config(&server.url(), config().answer_bytes_max(1000)).unwrap();
        gateway.groups()
    };
    let kind = |answer: Answer| groups(answer).unwrap_err().kind();
    assert_eq!(
        groups(Answer::status(200).body("{\"status\":\"success\",\"data\":[]}")).unwrap(),
        []
    );
    assert_eq!(kind(Answer::status(200).body("OK")), PushErrorKind::NotAGateway);
    assert_eq!(kind(Answer::status(200).body("<html></html>")), PushErrorKind::NotAGateway);
    assert_eq!(kind(Answer::status(200).body(" ".repeat(1001))), PushErrorKind::TooLarge);
    assert_eq!(kind(Answer::status(404).body("404 page not found")), PushErrorKind::Refused(404));
    assert_eq!(kind(Answer::status(301)), PushErrorKind::Redirected(301));
}
