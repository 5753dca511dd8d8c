//! Guards that each error text of both real gateways has a hint: a push gets the text as its answer, and
//! the error has to advise what to do.

use std::error::Error as _;
use std::time::Duration;

use prompush::{Gateway, GatewayConfig, GroupingKey, PushError, PushErrorKind, Registry};
use prompush_testing::{Answer, Pushgateway, ScriptedServer, Version};

/// Bodies of a PUT to `/metrics/job/x` that at least one version refuses.
const BODIES: &[&str] = &[
    "foo 1",
    "# TYPE foo gauge\nfoo 1\nbar 2",
    "foo 1\n# EOF",
    "# hello",
    "foo 1\r\n",
    "# TYPE foo gauge\r\nfoo 1\r\n",
    "\n  foo  { a = \"b\" , }   1  \n",
    "foo 1 abc\n",
    "\u{feff}foo 1\n",
    "# TYPE foo_total counter\nfoo_total 1 # {trace_id=\"a\"} 1\n",
    "# TYPE x info\nx_info{v=\"1\"} 1\n",
    "# TYPE x stateset\nx{x=\"a\"} 1\n",
    "# TYPE x unknown\nx 1\n",
    "# TYPE x gaugehistogram\nx_bucket{le=\"+Inf\"} 1\n",
    "# TYPE x blah\nx 1\n",
    "x 1\n# TYPE x gauge\n",
    "# TYPE x gauge\n# TYPE x gauge\nx 1\n",
    "# HELP x a\n# HELP x b\nx 1\n",
    "# HELP x a\\q\nx 1\n",
    "foo 1 1600000000000\n",
    "foo 1 1600000000.5\n",
    "foo{a=\"1\"} 1\nfoo{a=\"1\"} 2\n",
    "foo{job=\"a\"} 1\nfoo{job=\"b\"} 2\n",
    "# TYPE h histogram\nh_bucket{le=\"abc\"} 1\n",
    "# TYPE h histogram\nh_bucket{le=\"1\"} -1\n",
    "foo{a=\"b\\tc\"} 1\n",
    "foo{a=\"b\nc\"} 1\n",
    "foo{a='b'} 1\n",
    "foo{a=\"1\",a=\"2\"} 1\n",
    "foo{__x=\"1\"} 1\n",
    "foo{__name__=\"bar\"} 1\n",
    "{__name__=\"foo\"} 1\n",
    "foo{a:b=\"1\"} 1\n",
    "foo{1a=\"1\"} 1\n",
    "foo.bar 1\n",
    "# TYPE \"foo.bar\" gauge\n{\"foo.bar\",a=\"b\"} 1\n",
    "foo{\"a.b\"=\"c\"} 1\n",
    "1a 1\n",
    "a-b 1\n",
    "a 0x10\n",
    "a 1_000\n",
    "a 1e400\n",
    "foo\n",
    "foo abc\n",
    "<html></html>",
    "{\"a\":1}\n",
    "good 1\nbad{ 2\n",
    "# TYPE go_goroutines counter\ngo_goroutines 1\n",
    "process_cpu_seconds_total 1\n",
    "# TYPE clash counter\nclash 1\n",
    "# TYPE h_count gauge\nh_count 7\n",
    "other{a=\"1\"} 2\n",
];

/// Paths of a PUT that are refused, with a good body.
const PATHS: &[&str] = &[
    "/metrics/job/x/a",
    "/metrics/job/x/instance/i/",
    "/metrics/job/a%2Fb",
    "/metrics/job/x/a@base64/a",
    "/metrics/job/x/__x/1",
    "/metrics/job/x/1a/1",
    "/metrics/job/x/a-b/1",
    "/metrics/job@base64/=",
    "/metrics/job/a%zzb",
    "/metrics/job",
    "/metrics",
    "/nope",
    "/metrics/job/x/../y",
    "/metrics/job//instance/x",
];

fn push(answer: Answer) -> PushError {
    let server = ScriptedServer::start([answer]);
    let config = GatewayConfig::default()
        .total_timeout(Duration::from_secs(5))
        .proxy_from_environment(false);
    let gateway = Gateway::with_config(&server.url(), config).expect("a URL");
    let key = GroupingKey::new("x").expect("a job");
    gateway.push(&key, &Registry::new()).expect_err("it is refused")
}

/// Pushes to a server that answers as the real gateway did, and checks the error.
fn check(gateway: &Pushgateway, path: &str, headers: &[(&str, &str)], body: &[u8]) -> bool {
    let said = gateway.request("PUT", path, headers, body);
    if said.status == 200 {
        return false;
    }
    let mut answer = Answer::status(said.status).body(said.text());
    if let Some(location) = said.header("location") {
        answer = answer.header("Location", location);
    }
    let error = push(answer);
    let shown = format!("{} {path} {body:?}: {said:?}", gateway.version());
    assert!(error.hint().is_some(), "what to do? {shown}");
    assert_eq!(error.kind().status(), Some(said.status), "{shown}");
    if matches!(error.kind(), PushErrorKind::Refused(_)) {
        let words: String = said.text().split_whitespace().collect();
        let told = error.source().expect("the gateway's words").to_string();
        let told: String = told.split_whitespace().collect();
        assert!(told.ends_with(&words) || words.contains('\u{1}'), "{told} of {shown}");
    }
    true
}

#[test]
fn every_error_text_of_a_real_gateway_has_a_hint() {
    for version in Version::ALL {
        let Some(gateway) = Pushgateway::start(version) else { return };
        for (job, body) in [
            ("y", "# TYPE clash gauge\nclash 1\n"),
            ("z", "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n"),
            ("x/a/1", "other 1\n"),
        ] {
            let path = format!("/metrics/job/{job}");
            assert_eq!(gateway.request("PUT", &path, &[], body.as_bytes()).status, 200);
        }
        let refused = BODIES
            .iter()
            .filter(|body| check(&gateway, "/metrics/job/x", &[], body.as_bytes()))
            .count();
        // Each version accepts one body that the other refuses.
        assert!(refused >= BODIES.len() - 2, "{refused} of {}", BODIES.len());
        for path in PATHS {
            assert!(check(&gateway, path, &[], b"foo 1\n"), "{path}");
        }
        let gzip = [("Content-Encoding", "gzip")];
        for body in [&b"foo 1\n"[..], b"", b"\x1f\x8b\x08\0\0\0\0\0"] {
            assert!(check(&gateway, "/metrics/job/x", &gzip, body), "{body:?}");
        }
        assert!(check(&gateway, "/metrics/job/x", &[], b"foo{a=\"\xff\"} 1\n"));
        // Comes last, because it makes every push to this gateway fail.
        assert!(check(&gateway, "/metrics/job/a%FFb", &[], b"foo 1\n"));
    }
}

#[test]
fn an_unknown_error_text_is_shown_up_to_its_limit() {
    let error = push(Answer::status(400).body("the moon is in the wrong house\n\u{1b}[31m"));
    assert_eq!(error.answer_text(), Some("the moon is in the wrong house \\u{1b}[31m"));
    let error = push(Answer::status(400).body("x".repeat(3000)));
    let reason = error.answer_text().expect("words");
    assert_eq!(reason, format!("{} … (cut)", "x".repeat(2048)));
}
