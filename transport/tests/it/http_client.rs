//! Guards plain HTTP requests to other servers: they are sent unchanged, and every fault is reported.

use std::time::Duration;

use prompush::{GatewayConfig, HttpClient, HttpUrl, PushErrorKind};
use prompush_testing::{Answer, ScriptedServer, free_address};

fn client(timeout: Duration) -> HttpClient {
    let config = GatewayConfig::default().proxy_from_environment(false).attempt_timeout(timeout);
    HttpClient::new(&config.answer_bytes_max(100)).expect("good limits")
}

fn url(text: &str) -> HttpUrl {
    HttpUrl::parse(text).expect("a good URL")
}

const LONG: Duration = Duration::from_secs(30);

#[test]
fn a_post_sends_body_and_headers_unchanged() {
    let server = ScriptedServer::start([Answer::status(503).body("busy").keep_alive()]);
    let client = client(LONG);
    let body: Vec<u8> = (0..=255).collect();
    let headers = [
        ("content-type", "application/x-protobuf"),
        ("content-encoding", "gzip"),
        ("user-agent", "OTel/1"),
        ("authorization", "Bearer theirs"),
    ];
    let target = url(&server.url());
    let answer = client.post(&target, "/v1/traces", &headers, &body).expect("an answer");
    assert_eq!((answer.status, answer.body.as_slice()), (503, b"busy".as_slice()));
    let with_credentials = url(&server.url().replace("http://", "http://me:secret@"));
    client.post(&with_credentials, "/v1/traces", &headers, &body).expect("an answer");

    let requests = server.requests();
    for request in &requests {
        assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/v1/traces"));
        assert_eq!(request.body, body);
        for (name, value) in &headers[..3] {
            assert_eq!(request.header(name), Some(*value));
        }
        assert_eq!(request.headers.iter().filter(|(name, _)| name == "user-agent").count(), 1);
    }
    assert_eq!(requests[0].header("authorization"), Some("Bearer theirs"));
    assert_eq!(requests[1].header("authorization"), Some("Basic bWU6c2VjcmV0"));
    assert_eq!(requests[1].headers.iter().filter(|(name, _)| name == "authorization").count(), 1);
    assert_eq!(server.connections(), 1, "connections are kept");
}

#[test]
fn a_get_requests_the_path() {
    let page = Answer::status(200).header("Content-Type", "text/html; charset=utf-8").body("<p>");
    let server = ScriptedServer::start([Answer::status(200).body("a 1\n"), page]);
    let (client, target) = (client(LONG), url(&format!("{}/api/v0", server.url())));
    let answer = client.get(&target, "/metrics", &[("accept", "text/plain")]).expect("an answer");
    assert_eq!((answer.status, answer.is_html, answer.body), (200, false, b"a 1\n".to_vec()));
    assert!(client.get(&target, "", &[]).expect("an answer").is_html);
    let requests = server.requests();
    assert_eq!(requests[0].target, "/api/v0/metrics");
    assert_eq!(requests[0].header("accept"), Some("text/plain"));
    assert_eq!(requests[1].target, "/api/v0");
}

#[test]
fn errors_show_no_credentials() {
    let check = |answer: Answer, timeout: Duration, kind: PushErrorKind| {
        let server = ScriptedServer::start([answer]);
        let target = url(&server.url().replace("http://", "http://me:secret@"));
        let error = client(timeout).post(&target, "/x", &[], b"body").expect_err("a fault");
        assert_eq!(error.kind(), kind);
        let shown = format!("{error} {error:?}");
        assert!(shown.contains("***@") && !shown.contains("secret"), "{shown}");
    };
    check(Answer::Hang, Duration::from_millis(100), PushErrorKind::Timeout);
    check(Answer::CloseAfterBody, LONG, PushErrorKind::Dropped);
    check(Answer::Bytes(b"SSH-2.0\r\n\r\n".to_vec()), LONG, PushErrorKind::NotAGateway);
    check(Answer::status(200).body([b'x'; 101]), LONG, PushErrorKind::TooLarge);
    let nobody = url(&format!("http://{}", free_address()));
    let error = client(LONG).get(&nobody, "/x", &[]).expect_err("nobody listens");
    assert_eq!(error.kind(), PushErrorKind::Unreachable);
    assert!(error.to_string().starts_with("cannot get `http://127.0.0.1:"), "{error}");
    let client = client(LONG);
    client.interrupt();
    let server = ScriptedServer::start([Answer::status(200)]);
    assert!(client.get(&url(&server.url()), "", &[]).is_err());
}
