//! Guards that our gateway does not have the faults of real Pushgateways that stop all pushes or all scrapes.
//!
//! Each test is named after a fault in the list of measured facts (B1 to B8, B13 to B16), and provokes that fault. Then
//! it checks that a push to another group and a scrape still work.

use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::time::Duration;

use crate::support::{INCONSISTENT, TestServer};
use prompush_gateway::Config;
use prompush_testing::http;
use serde_json::json;

const PROTOBUF: (&str, &str) = (
    "Content-Type",
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited",
);

/// Pushes to another group, scrapes, and reads the JSON.
#[track_caller]
fn assert_others_are_served(gateway: &TestServer) {
    assert_eq!(gateway.put("/metrics/job/other", "other 1\n").status, 200);
    let line = "other{instance=\"\",job=\"other\"} 1".to_owned();
    assert!(gateway.scrape().contains(&line));
    assert_eq!(http::get(gateway.address, "/api/v1/metrics").expect("an answer").status, 200);
}

/// Sends bytes, closes the sending side, and returns everything that arrives until the connection ends.
fn exchange_half_closed(gateway: &TestServer, bytes: &[u8]) -> String {
    let mut stream = gateway.connect();
    stream.write_all(bytes).expect("bytes are sent");
    stream.shutdown(Shutdown::Write).expect("a half-closed connection");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[test]
fn b1_bad_base64_hangs_nothing() {
    let gateway = TestServer::start();
    for method in ["PUT", "POST", "DELETE"] {
        for path in [
            "/metrics/job@base64/a",
            "/metrics/job/x/a@base64/a",
            "/metrics/job@base64/=",
            "/metrics/job@base64/YQ%00",
        ] {
            let answer = gateway.request(method, path, b"");
            assert_eq!(answer.status, 400, "{method} {path}");
        }
        let answer = gateway.request(method, "/metrics/job@base64/YQ", b"");
        assert!(matches!(answer.status, 200 | 202), "{method}");
    }
    assert_others_are_served(&gateway);
}

#[test]
fn b2_a_truncated_body_stores_nothing() {
    let gateway = TestServer::start();
    assert_eq!(gateway.put("/metrics/job/x", "before 1\n").status, 200);
    let head = "PUT /metrics/job/x HTTP/1.1\r\nHost: x\r\n";
    for (case, request) in [
        ("a body shorter than its length", format!("{head}Content-Length: 57\r\n\r\na 1\nb 2\n")),
        (
            "chunks without an end",
            format!("{head}Transfer-Encoding: chunked\r\n\r\n4\r\na 1\n\r\n"),
        ),
        ("half a chunk", format!("{head}Transfer-Encoding: chunked\r\n\r\n8\r\na 1\n")),
    ] {
        let answer = exchange_half_closed(&gateway, request.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 400 "), "{case}: {answer}");
        assert!(answer.ends_with("unexpected EOF\n"), "{case}: {answer}");
    }
    assert_eq!(gateway.scrape(), ["# TYPE before untyped", "before{instance=\"\",job=\"x\"} 1"]);
    assert_others_are_served(&gateway);
}

#[test]
fn b2_a_client_that_goes_away_stores_nothing() {
    let gateway = TestServer::start();
    let mut stream = gateway.connect();
    let request = "PUT /metrics/job/x HTTP/1.1\r\nHost: x\r\nContent-Length: 57\r\n\r\na 1\nb 2\n";
    stream.write_all(request.as_bytes()).expect("bytes are sent");
    drop(stream);
    assert_others_are_served(&gateway);
    assert_eq!(gateway.groups(), json!([{ "labels": { "job": "other" }, "ok": true }]));
}

#[test]
fn b3_an_empty_instance_beside_none_is_refused_and_leaves_nothing() {
    let gateway = TestServer::start();
    assert_eq!(gateway.put("/metrics/job/x", "foo 1\n").status, 200);
    for path in ["/metrics/job/x/instance@base64/=", "/metrics/job/x/instance/"] {
        for body in ["foo 2\n", "bar 2\n", "", "foo 1 1\n"] {
            let answer = gateway.put(path, body);
            assert_eq!(answer.status, 400, "{path} {body:?}");
            assert!(answer.text().starts_with(INCONSISTENT), "{}", answer.text());
        }
    }
    assert_eq!(gateway.groups(), json!([{ "labels": { "job": "x" }, "ok": true }]));
    assert_others_are_served(&gateway);
}

#[test]
fn b3_the_other_way_round() {
    let gateway = TestServer::start();
    assert_eq!(gateway.put("/metrics/job/x/instance/", "foo 1\n").status, 200);
    assert_eq!(gateway.put("/metrics/job/x", "bar 1\n").status, 400);
    assert_eq!(gateway.request("DELETE", "/metrics/job/x/instance/", b"").status, 202);
    assert_eq!(gateway.put("/metrics/job/x", "bar 1\n").status, 200);
    assert_others_are_served(&gateway);
}

#[test]
fn b4_a_value_that_is_not_utf8_is_refused_and_leaves_nothing() {
    let gateway = TestServer::start();
    for path in [
        "/metrics/job/a%FFb",
        "/metrics/job/x/l/a%FFb",
        "/metrics/job@base64/__4=",
        "/metrics/job/x/l@base64/__4=",
    ] {
        let answer = gateway.put(path, "foo 1\n");
        assert_eq!(answer.status, 400, "{path}");
        assert!(answer.text().starts_with(INCONSISTENT), "{}", answer.text());
        assert_eq!(gateway.request("DELETE", path, b"").status, 202, "{path}");
    }
    assert_eq!(gateway.groups(), json!([]));
    assert_others_are_served(&gateway);
}

#[test]
fn b5_a_histogram_under_an_le_of_the_group_is_refused() {
    let gateway = TestServer::start();
    let histogram = "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n";
    for method in ["PUT", "POST"] {
        let answer = gateway.request(method, "/metrics/job/x/le/1", histogram.as_bytes());
        assert_eq!(answer.status, 400);
        assert!(answer.text().starts_with(INCONSISTENT), "{}", answer.text());
    }
    // In a group without a histogram, the label does no harm, and upstream accepts it.
    assert_eq!(gateway.put("/metrics/job/x/le/1", "g 1\n").status, 200);
    let summary = "# TYPE s summary\ns{quantile=\"0.5\"} 1\ns_sum 1\ns_count 1\n";
    assert_eq!(gateway.put("/metrics/job/x/quantile/1", summary).status, 400);
    assert_others_are_served(&gateway);
}

#[test]
fn b6_braces_without_a_name_are_answered() {
    let gateway = TestServer::start();
    for body in ["{}\n", "{} 1\n", "{}", "{a=\"b\"} 1\n", "{,}\n", "{\"\"} 1\n", "{\n", "}\n"] {
        assert_eq!(gateway.put("/metrics/job/x", body).status, 400, "{body:?}");
    }
    assert_eq!(gateway.groups(), json!([]));
    assert_others_are_served(&gateway);
}

#[test]
fn b7_a_body_cannot_set_the_push_times() {
    let gateway = TestServer::start();
    assert_eq!(gateway.put("/metrics/job/x", "foo 1\n").status, 200);
    let body = "# TYPE push_failure_time_seconds counter\npush_failure_time_seconds 77\n\
                push_time_seconds{a=\"b\"} 78\n";
    assert_eq!(gateway.request("POST", "/metrics/job/x", body.as_bytes()).status, 200);
    let text = http::get(gateway.address, "/metrics").expect("an answer").text();
    assert!(text.contains("# TYPE push_failure_time_seconds gauge\npush_failure_time_seconds{instance=\"\",job=\"x\"} 0\n"));
    assert!(
        text.contains(
            "# TYPE push_time_seconds gauge\npush_time_seconds{instance=\"\",job=\"x\"} 1."
        )
    );
    // Both texts begin with a space, because the push time itself may end in these digits.
    assert!(!text.contains(" 77\n") && !text.contains(" 78\n"));
}

#[test]
fn b8_without_the_check_no_push_breaks_a_scrape() {
    let mut config = Config::default();
    config.disable_consistency_check = true;
    let gateway = TestServer::start_with(config);
    assert_eq!(gateway.put("/metrics/job/x", "# TYPE foo gauge\nfoo 1\n").status, 202);
    for body in [
        "# TYPE foo counter\nfoo 1\n",          // another type in another group
        "bar 1\nbar 2\n",                       // a series twice
        "bar{job=\"a\"} 1\nbar{job=\"b\"} 2\n", // a series twice under the group's labels
        "bar{__x=\"1\"} 1\n",                   // a reserved label name
        "bar 1 1600000000000\n",                // a timestamp
        "# TYPE process_open_fds counter\nprocess_open_fds 1\n", // our own family
        "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\n# TYPE h_max gauge\nh_max 1\nbar 1\nbar 1\n",
    ] {
        assert_eq!(gateway.put("/metrics/job/y", body).status, 400, "{body:?}");
    }
    let lines = ["# TYPE foo gauge", "foo{instance=\"\",job=\"x\"} 1"];
    assert_eq!(gateway.scrape(), lines);
    assert_eq!(gateway.put("/metrics/job/other", "other 1\n").status, 202);
}

#[test]
fn b13_a_length_prefix_larger_than_the_body_is_answered_at_once() {
    let gateway = TestServer::start();
    for bits in [31_u32, 36, 40, 48, 55, 62, 63] {
        let mut length = 1_u64 << bits;
        let mut body = Vec::new();
        while length >= 128 {
            body.push(u8::try_from(length & 127).expect("seven bits") | 128);
            length >>= 7;
        }
        body.push(u8::try_from(length).expect("seven bits"));
        body.resize(10, 0);
        let answer = http::request(gateway.address, "PUT", "/metrics/job/x", &[PROTOBUF], &body);
        assert_eq!(answer.expect("an answer").status, 400, "2^{bits}");
    }
    assert_eq!(gateway.groups(), json!([]));
    assert_others_are_served(&gateway);
}

#[test]
fn b14_a_native_histogram_without_its_deltas_is_refused_or_kept_safely() {
    let gateway = TestServer::start();
    // h: histogram { count 2, sum 3, schema 0, positive span of `length` from 0, no deltas }
    for length in [1_u8, 2, 127] {
        let span = [0x62, 4, 0x08, 0, 0x10, length];
        let mut histogram = vec![0x08, 2, 0x11];
        histogram.extend_from_slice(&3.0_f64.to_le_bytes());
        histogram.extend_from_slice(&[0x28, 0]);
        histogram.extend_from_slice(&span);
        let metric = wrap(7, &histogram);
        let mut family = vec![0x0A, 1, b'h', 0x18, 4];
        family.extend_from_slice(&wrap(4, &metric));
        let mut body = vec![u8::try_from(family.len()).expect("a short message")];
        body.extend_from_slice(&family);
        let answer = http::request(gateway.address, "PUT", "/metrics/job/x", &[PROTOBUF], &body);
        let answer = answer.expect("an answer");
        assert!(matches!(answer.status, 200 | 400), "{}", answer.text());
        assert_others_are_served(&gateway);
    }
}

/// A field of that number that holds a message.
fn wrap(number: u8, message: &[u8]) -> Vec<u8> {
    let mut field = vec![number << 3 | 2, u8::try_from(message.len()).expect("a short message")];
    field.extend_from_slice(message);
    field
}

#[test]
fn b15_a_protobuf_family_without_metrics_changes_nothing() {
    let gateway = TestServer::start();
    assert_eq!(gateway.put("/metrics/job/x", "# TYPE g gauge\ng 1\n").status, 200);
    let body = [5, 0x0A, 1, b'g', 0x18, 0]; // g: counter, no metrics
    for _ in 0..5 {
        let answer = http::request(gateway.address, "PUT", "/metrics/job/y", &[PROTOBUF], &body);
        assert_eq!(answer.expect("an answer").status, 200);
    }
    assert_eq!(gateway.scrape(), ["# TYPE g gauge", "g{instance=\"\",job=\"x\"} 1"]);
    assert_others_are_served(&gateway);
}

#[test]
fn b16_both_kinds_of_length_are_refused_and_the_connection_closed() {
    let gateway = TestServer::start();
    let chunked = "Transfer-Encoding: chunked\r\n";
    for headers in [
        format!("Content-Length: 4\r\n{chunked}"),
        format!("{chunked}Content-Length: 4\r\n"),
        format!("{chunked}content-LENGTH:19\r\n"),
    ] {
        let request = format!(
            "PUT /metrics/job/x HTTP/1.1\r\nHost: x\r\n{headers}\r\n4\r\na 1\n\r\n0\r\n\r\nGET /-/ready HTTP/1.1\r\nHost: x\r\n\r\n"
        );
        let answer = exchange_half_closed(&gateway, request.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        assert_eq!(answer.matches("HTTP/1.1").count(), 1, "the connection went on: {answer}");
    }
    assert_eq!(gateway.groups(), json!([]));
}

#[test]
fn b16_slow_heads_and_bodies_are_cut_off() {
    let mut config = Config::default();
    config.http.header_timeout = Duration::from_millis(100);
    config.http.body_idle_timeout = Duration::from_millis(100);
    let gateway = TestServer::start_with(config);
    for (case, sent, expected) in [
        ("nothing", "", ""),
        ("half a head", "PUT /metrics/job/x HTTP/1.1\r\nHo", ""),
        (
            "half a body",
            "PUT /metrics/job/x HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\na 1\n",
            "HTTP/1.1 408 ",
        ),
    ] {
        let mut stream = gateway.connect();
        stream.write_all(sent.as_bytes()).expect("bytes are sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("the server ends the connection");
        assert!(answer.starts_with(expected), "{case}: {answer}");
        assert!(!expected.is_empty() || answer.is_empty(), "{case}: {answer}");
    }
    assert_eq!(gateway.groups(), json!([]));
    assert_others_are_served(&gateway);
}

#[test]
fn b16_bodies_have_a_size() {
    let mut config = Config::default();
    config.http.body_bytes_max = 1000;
    config.decompressed_bytes_max = 2000;
    let gateway = TestServer::start_with(config);
    let body = "a 1\n".repeat(300);
    assert_eq!(gateway.put("/metrics/job/x", &body).status, 413);
    let mut chunked =
        b"PUT /metrics/job/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    chunked.extend_from_slice(format!("4b0\r\n{body}\r\n0\r\n\r\n").as_bytes());
    assert_eq!(http::exchange(gateway.address, &chunked).expect("an answer").status, 413);
    // A small body that becomes large when it is decompressed.
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all("# \n".repeat(100_000).as_bytes()).expect("compressed");
    let bomb = encoder.finish().expect("compressed");
    assert!(bomb.len() < 1000);
    let gzip = [("Content-Encoding", "gzip")];
    let answer = http::request(gateway.address, "PUT", "/metrics/job/x", &gzip, &bomb);
    assert_eq!(answer.expect("an answer").status, 413);
    assert_eq!(gateway.groups(), json!([]));
    assert_others_are_served(&gateway);
}

/// The requests have bodies and paths with changed, inserted and missing bytes. The seed is fixed.
#[test]
fn any_request_is_answered_and_breaks_nothing() {
    const ROUNDS: usize = 2_000;
    const TEXT: &[u8] = b"# HELP h Help \\\\ text\n# TYPE h histogram\nh_bucket{a=\"b\\n\",le=\"0.5\"} 1\nh_bucket{le=\"+Inf\"} 2\n\
        h_sum 3\nh_count 2\n# TYPE s summary\ns{quantile=\"0.9\"} NaN\ns_sum 1e3\ns_count 7\nfoo{x=\"y\",} -0.5\nbar 1\n";
    const MESSAGES: &[u8] = b"\x19\x0a\x01g\x18\x01\x22\x11\x0a\x06\x0a\x01a\x12\x01b\x12\x09\x09\0\0\0\0\0\0\x04\x40\
        \x1c\x0a\x01h\x18\x04\x22\x15\x3a\x13\x08\x02\x11\0\0\0\0\0\0\x08\x40\x28\0\x62\x04\x08\0\x10\x02";
    let gateway = TestServer::start();
    let mut random = fastrand::Rng::with_seed(1);
    for round in 0..ROUNDS {
        let is_text = random.bool();
        let mut body = if is_text { TEXT } else { MESSAGES }.to_vec();
        let job = random.u8(..50);
        let mut path = format!("/metrics/job/{job}/a@base64/YQ/b/%C3%A9").into_bytes();
        for _ in 0..random.usize(0..6) {
            mutate(&mut body, &mut random);
        }
        for _ in 0..random.usize(0..3) {
            mutate(&mut path, &mut random);
        }
        // Bytes that HTTP forbids in a target are removed: such a request does not reach the gateway.
        path.retain(|byte| byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>' | b'`' | b'#'));
        let target = format!("/{}", String::from_utf8_lossy(&path).trim_start_matches('/'));
        let headers: &[(&str, &str)] = if is_text { &[] } else { &[PROTOBUF] };
        let method = ["PUT", "POST", "DELETE", "GET"][random.usize(..4)];
        let answer = http::request(gateway.address, method, &target, headers, &body);
        let status =
            answer.unwrap_or_else(|error| panic!("round {round}, {target}: {error}")).status;
        assert!(matches!(status, 200..=499), "round {round}, {target}: {status}");
    }
    let scrape = http::get(gateway.address, "/metrics").expect("an answer");
    assert_eq!(scrape.status, 200);
    let parsed = prompush_core::parse(&scrape.body, prompush_core::Format::Text);
    assert!(parsed.is_ok(), "{parsed:?}");
    let groups = gateway.groups();
    assert!(groups.as_array().is_some_and(|groups| groups.len() > 10), "{groups}");
    assert_others_are_served(&gateway);
}

fn mutate(bytes: &mut Vec<u8>, random: &mut fastrand::Rng) {
    let at = random.usize(..=bytes.len());
    match random.u8(..4) {
        0 => bytes.truncate(at),
        1 => bytes.insert(at, b"\n\0\"{}\\/%=,# 1a_\xFF"[random.usize(..16)]),
        2 if at < bytes.len() => bytes[at] = random.u8(..),
        3 if at < bytes.len() => {
            bytes.remove(at);
        }
        _ => {}
    }
}
