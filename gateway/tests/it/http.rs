//! Guards the HTTP side: the form of responses, the ways to send a body, the limits, the switches, and the shutdown.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::time::Duration;

use crate::support::TestServer;
use prompush_gateway::{Config, GatewayError, ServeError, Server};
use prompush_testing::http;
use serde_json::json;

/// Sends bytes and returns everything that arrives until the server ends the connection.
fn exchange(gateway: &TestServer, bytes: &str) -> String {
    let mut stream = gateway.connect();
    stream.write_all(bytes.as_bytes()).expect("bytes are sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the server ends the connection");
    answer
}

#[test]
fn a_push_is_answered_without_a_body_and_a_type() {
    let gateway = TestServer::start();
    let answer = gateway.put("/metrics/job/x", "foo 1\n");
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    assert_eq!(answer.header("content-length"), Some("0"));
    assert_eq!(answer.header("content-type"), None);
    let refused = gateway.put("/metrics/job/x", "foo");
    assert_eq!(refused.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(refused.header("x-content-type-options"), Some("nosniff"));
    assert!(refused.text().ends_with('\n'));
}

#[test]
fn a_raw_hash_in_a_path_cuts_no_group_short() {
    let gateway = TestServer::start();
    let put = "PUT /metrics/job/fr#b HTTP/1.1\r\nHost: x\r\nContent-Length: 6\r\n\r\nfoo 1\n";
    assert!(exchange(&gateway, put).starts_with("HTTP/1.1 400 "));
    let scrape = http::get(gateway.address, "/metrics").expect("an answer");
    assert!(!scrape.text().contains("job=\"fr"));
}

#[test]
fn a_scrape_is_compressed_for_those_who_take_it() {
    let gateway = TestServer::start();
    assert_eq!(gateway.put("/metrics/job/x", "foo 1\n").status, 200);
    for (accepted, is_compressed) in [
        ("gzip", true),
        ("deflate, GZIP;q=0.5", true),
        ("gzip;q=0", false),
        ("gzip; q=0.0", false),
        ("zstd", false),
        ("identity", false),
    ] {
        let headers = [("Accept-Encoding", accepted)];
        let answer = http::request(gateway.address, "GET", "/metrics", &headers, b"");
        let answer = answer.expect("an answer");
        let content_type = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";
        assert_eq!(answer.header("content-type"), Some(content_type));
        assert_eq!(answer.header("content-encoding") == Some("gzip"), is_compressed, "{accepted}");
        let mut text = String::new();
        if is_compressed {
            let mut decoder = flate2::read::GzDecoder::new(answer.body.as_slice());
            decoder.read_to_string(&mut text).expect("gzip");
        } else {
            text = answer.text();
        }
        assert!(text.contains("\nfoo{instance=\"\",job=\"x\"} 1\n"));
    }
}

#[test]
fn a_body_may_be_chunked_or_awaited_or_of_http_1_0() {
    let gateway = TestServer::start();
    let head = "PUT /metrics/job/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
    let chunked =
        format!("{head}Transfer-Encoding: chunked\r\n\r\n4\r\na 1\n\r\n4\r\nb 2\n\r\n0\r\n\r\n");
    assert!(exchange(&gateway, &chunked).starts_with("HTTP/1.1 200 OK\r\n"));
    assert_eq!(gateway.scrape().len(), 4);

    let mut stream = gateway.connect();
    let expecting = format!("{head}Expect: 100-continue\r\nContent-Length: 4\r\n\r\n");
    stream.write_all(expecting.as_bytes()).expect("a head is sent");
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).expect("a line");
    assert_eq!(line, "HTTP/1.1 100 Continue\r\n");
    reader.get_mut().write_all(b"c 3\n").expect("a body is sent");
    let mut rest = String::new();
    reader.read_to_string(&mut rest).expect("an answer");
    assert!(rest.contains("HTTP/1.1 200 OK\r\n"), "{rest}");

    let without = format!("{head}\r\n"); // The request has neither a body nor a length.
    assert!(exchange(&gateway, &without).starts_with("HTTP/1.1 200 OK\r\n"));
    assert!(gateway.scrape().is_empty());

    let old = "PUT /metrics/job/x HTTP/1.0\r\nContent-Length: 4\r\n\r\nd 4\n";
    assert!(exchange(&gateway, old).contains(" 200 OK\r\n"));
    assert_eq!(gateway.scrape(), ["# TYPE d untyped", "d{instance=\"\",job=\"x\"} 4"]);
}

#[test]
fn http_1_1_needs_a_host() {
    let gateway = TestServer::start();
    let answer = exchange(&gateway, "GET /-/ready HTTP/1.1\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.ends_with("400 Bad Request: missing required Host header"), "{answer}");
}

#[test]
fn a_connection_serves_many_requests() {
    let gateway = TestServer::start();
    let request = "PUT /metrics/job/x HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\na 1\n";
    let last = "GET /-/ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    let answer = exchange(&gateway, &format!("{}{last}", request.repeat(20)));
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 21);
}

#[test]
fn chunked_requests_may_follow_each_other_on_a_connection() {
    let gateway = TestServer::start();
    let mut stream = gateway.connect();
    let request = "PUT /metrics/job/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\na 1\n\r\n0\r\n\r\n";
    for _ in 0..3 {
        stream.write_all(request.as_bytes()).expect("a request is sent");
        let mut reader = BufReader::new(&stream);
        let mut line = String::new();
        reader.read_line(&mut line).expect("a line");
        assert_eq!(line, "HTTP/1.1 200 OK\r\n");
        while line != "\r\n" {
            line.clear();
            reader.read_line(&mut line).expect("a line");
        }
    }
}

#[test]
fn snappy_bodies_are_read() {
    let gateway = TestServer::start();
    let mut encoder = snap::write::FrameEncoder::new(Vec::new());
    encoder.write_all(b"foo 1\n").expect("compressed");
    let body = encoder.into_inner().expect("compressed");
    let headers = [("Content-Encoding", "Snappy")];
    let put = |body: &[u8]| {
        http::request(gateway.address, "PUT", "/metrics/job/x", &headers, body)
            .expect("an answer")
            .status
    };
    assert_eq!(put(&body), 200);
    assert_eq!(gateway.scrape(), ["# TYPE foo untyped", "foo{instance=\"\",job=\"x\"} 1"]);
    assert_eq!(put(&body[..body.len() - 1]), 400);
}

#[test]
fn long_label_values_and_large_bodies_are_taken() {
    let gateway = TestServer::start();
    let long = "v".repeat(1 << 16);
    assert_eq!(gateway.put("/metrics/job/x", &format!("foo{{a=\"{long}\"}} 1\n")).status, 200);
    assert!(gateway.scrape().contains(&format!("foo{{a=\"{long}\",instance=\"\",job=\"x\"}} 1")));
    assert_eq!(gateway.put(&format!("/metrics/job/{}", "j".repeat(60_000)), "foo 1\n").status, 200);
    let lines: Vec<String> =
        (0..50_000).map(|index| format!("large{{i=\"{index}\"}} {index}\n")).collect();
    assert_eq!(gateway.put("/metrics/job/large", &lines.concat()).status, 200);
    assert_eq!(gateway.scrape().iter().filter(|line| line.starts_with("large{")).count(), 50_000);
}

#[test]
fn heads_have_a_size() {
    let gateway = TestServer::start();
    let path = "a".repeat(70_000);
    let answer = exchange(&gateway, &format!("GET /{path} HTTP/1.1\r\nHost: x\r\n\r\n"));
    assert!(answer.starts_with("HTTP/1.1 414 "), "{answer}");
    let headers = "X-A: b\r\n".repeat(200);
    let answer = exchange(&gateway, &format!("GET / HTTP/1.1\r\nHost: x\r\n{headers}\r\n"));
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
}

#[test]
fn a_body_with_a_too_large_content_length_is_refused_before_it_is_sent() {
    let gateway = TestServer::start();
    let answer = exchange(
        &gateway,
        "PUT /metrics/job/x HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 100000000000\r\n\r\n",
    );
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[test]
fn all_bodies_together_have_a_limit() {
    let mut config = Config::default();
    config.http.bodies_bytes_max = 10;
    let gateway = TestServer::start_with(config);
    let answer = gateway.put("/metrics/job/x", "foo 1\nbar 2\n");
    assert_eq!(answer.status, 503);
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(gateway.put("/metrics/job/x", "foo 1\n").status, 200);
    assert_eq!(gateway.put("/metrics/job/x", "foo 1\n").status, 200);
}

#[test]
fn more_connections_than_allowed_wait_for_their_turn() {
    let mut config = Config::default();
    config.http.connections_max = 1;
    let gateway = TestServer::start_with(config);
    let first = gateway.connect();
    let mut second = gateway.connect();
    second
        .write_all(b"GET /-/ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        .expect("a request is sent");
    drop(first);
    let mut answer = String::new();
    second.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
}

#[test]
fn a_client_that_does_not_read_its_response_is_dropped() {
    let mut config = Config::default();
    config.http.connections_max = 1;
    config.http.write_idle_timeout = Duration::from_millis(50);
    let gateway = TestServer::start_with(config);
    let value = "v".repeat(1 << 20);
    assert_eq!(gateway.put("/metrics/job/x", &format!("m{{a=\"{value}\"}} 1\n")).status, 200);
    let mut idle = gateway.connect();
    // All responses together are larger than the buffers of the sockets.
    let requests = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n".repeat(64);
    idle.write_all(requests.as_bytes()).expect("requests are sent");
    // Only one connection may be open, so this request is answered after the first connection was closed.
    assert_eq!(http::get(gateway.address, "/-/ready").expect("an answer").status, 200);
    drop(idle);
}

#[test]
fn the_store_has_limits() {
    let mut config = Config::default();
    config.groups_max = 2;
    config.series_max = 10;
    config.exposition_bytes_max = 2000;
    let gateway = TestServer::start_with(config);
    assert_eq!(gateway.put("/metrics/job/a", "foo 1\n").status, 200);
    assert_eq!(gateway.put("/metrics/job/b", "foo 1\n").status, 200);
    let third = gateway.put("/metrics/job/c", "foo 1\n");
    assert_eq!(third.status, 503);
    assert_eq!(third.header("retry-after"), Some("30"));
    let lines = |count: usize| {
        let lines: Vec<String> =
            (0..count).map(|index| format!("bar{{i=\"{index}\"}} 1\n")).collect();
        lines.concat()
    };
    // Each of the two groups has two series with its push times, and group `a` has `foo`.
    assert_eq!(gateway.put("/metrics/job/b", &lines(5)).status, 200);
    assert_eq!(gateway.put("/metrics/job/b", &lines(5)).status, 200);
    assert_eq!(gateway.put("/metrics/job/b", &lines(6)).status, 503);
    let long = format!("foo{{a=\"{}\"}} 1\n", "v".repeat(3000));
    assert_eq!(gateway.put("/metrics/job/a", &long).status, 503);
    assert_eq!(gateway.groups().as_array().map(Vec::len), Some(2));
}

#[test]
fn a_long_key_cannot_blow_up_a_small_body() {
    let mut config = Config::default();
    config.exposition_bytes_max = 1 << 20;
    let gateway = TestServer::start_with(config);
    let body: Vec<String> = (0..1000).map(|index| format!("m{index} 1\n")).collect();
    let path = format!("/metrics/job/{}", "j".repeat(50_000));
    assert_eq!(gateway.put(&path, &body.concat()).status, 503);
}

#[test]
fn the_page_shows_groups_and_escapes_them() {
    let gateway = TestServer::start();
    assert_eq!(gateway.put("/metrics/job/%3Cscript%3E'&", "foo 1\n").status, 200);
    for path in ["/", "/status"] {
        let page = http::get(gateway.address, path).expect("an answer");
        assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
        let text = page.text();
        assert!(text.contains("job=&quot;&lt;script&gt;&#39;&amp;&quot;"), "{text}");
        assert!(!text.contains("<script>"));
    }
}

#[test]
fn the_json_has_the_shape_of_a_pushgateway() {
    let gateway = TestServer::start();
    let body = "# HELP c_total Say \"hi\\n\\\\\".\n# TYPE c_total counter\nc_total{a=\"x\\\\y\\\"\\n\"} 1e6\n\
                # TYPE h histogram\nh_bucket{le=\"0.1\"} 1\nh_bucket{le=\"+Inf\"} 3000000\nh_sum 4.5\nh_count 3000000\n\
                # TYPE s summary\ns{quantile=\"0.99\"} NaN\ns_sum 4.5\ns_count 3\nu +Inf\n";
    assert_eq!(gateway.put("/metrics/job/j/zone/z", body).status, 200);
    let answer = http::get(gateway.address, "/api/v1/metrics").expect("an answer");
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    assert_eq!(answer.header("cache-control"), Some("no-cache, no-store, must-revalidate"));
    let json = answer.json();
    assert_eq!(json["status"], "success");
    let group = &json["data"][0];
    assert_eq!(group["labels"], json!({ "job": "j", "zone": "z" }));
    assert_eq!(group["last_push_successful"], true);
    assert_eq!(group["c_total"]["type"], "COUNTER");
    assert_eq!(group["c_total"]["help"], "Say \"hi\n\\\".");
    let labels = json!({ "a": "x\\y\"\n", "instance": "", "job": "j", "zone": "z" });
    assert_eq!(group["c_total"]["metrics"], json!([{ "labels": labels, "value": "1e+06" }]));
    let histogram = &group["h"]["metrics"][0];
    assert_eq!(histogram["buckets"], json!({ "0.1": "1", "+Inf": "3000000" }));
    assert_eq!((&histogram["count"], &histogram["sum"]), (&json!("3000000"), &json!("4.5")));
    let summary = &group["s"]["metrics"][0];
    assert_eq!(summary["quantiles"], json!({ "0.99": "NaN" }));
    assert_eq!((&summary["count"], &summary["sum"]), (&json!("3"), &json!("4.5")));
    assert_eq!(group["u"]["metrics"][0]["value"], "+Inf");
    assert_eq!(group["u"].get("help"), None);
    let help = "Last Unix time when changing this group in the Pushgateway succeeded.";
    assert_eq!(group["push_time_seconds"]["help"], help);
    let stamp = group["u"]["time_stamp"].as_str().expect("a time");
    assert!(stamp.starts_with("20") && stamp.ends_with('Z'), "{stamp}");
}

#[test]
fn the_status_tells_flags_and_versions() {
    let mut config = Config::default();
    config.metric_expiration = Some(Duration::from_mins(5));
    let gateway = TestServer::start_with(config);
    let data = &http::get(gateway.address, "/api/v1/status").expect("an answer").json()["data"];
    assert_eq!(data["flags"]["metric.expiration"], "300s");
    assert_eq!(data["flags"]["push.disable-consistency-check"], "false");
    assert_eq!(data["build_information"]["version"], env!("CARGO_PKG_VERSION"));
    assert!(data["start_time"].as_str().is_some_and(|time| time.ends_with('Z')));
}

#[test]
fn the_gateway_counts_its_own_requests() {
    let gateway = TestServer::start();
    gateway.put("/metrics/job/x", "foo 1\n");
    gateway.put("/metrics/job/x", "foo");
    gateway.request("DELETE", "/metrics/job/x", b"");
    let text = http::get(gateway.address, "/metrics").expect("an answer").text();
    for line in [
        "pushgateway_http_requests_total{code=\"200\",handler=\"push\",method=\"put\"} 1",
        "pushgateway_http_requests_total{code=\"400\",handler=\"push\",method=\"put\"} 1",
        "pushgateway_http_requests_total{code=\"202\",handler=\"delete\",method=\"delete\"} 1",
        "pushgateway_http_push_size_bytes_sum{method=\"put\"} 9",
        "pushgateway_http_push_size_bytes_count{method=\"put\"} 2",
    ] {
        assert!(text.contains(&format!("\n{line}\n")), "{line}\n{text}");
    }
    let names: Vec<&str> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    assert!(names.is_sorted(), "{names:?}");
}

#[test]
fn an_own_family_can_be_pushed_with_its_own_type() {
    let gateway = TestServer::start();
    let body = "# HELP pushgateway_build_info mine\n# TYPE pushgateway_build_info gauge\npushgateway_build_info 2\n";
    assert_eq!(gateway.put("/metrics/job/x", body).status, 200);
    assert_eq!(gateway.put("/metrics/job/y", "pushgateway_build_info 2\n").status, 400);
    let text = http::get(gateway.address, "/metrics").expect("an answer").text();
    assert_eq!(text.matches("# TYPE pushgateway_build_info gauge\n").count(), 1);
    assert_eq!(text.matches("# HELP pushgateway_build_info ").count(), 1);
    assert!(text.contains("\npushgateway_build_info{instance=\"\",job=\"x\"} 2\n"));
}

#[test]
fn quitting_and_wiping_are_off_unless_asked_for() {
    let gateway = TestServer::start();
    assert_eq!(gateway.put("/-/quit", "").status, 403);
    assert_eq!(gateway.put("/api/v1/admin/wipe", "").status, 404);
}

#[test]
fn quitting_stops_the_server() {
    let mut config = Config::default();
    config.enable_lifecycle = true;
    let gateway = TestServer::start_with(config);
    let idle = gateway.connect(); // An idle connection does not delay the shutdown.
    let answer = gateway.request("POST", "/-/quit", b"");
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (200, "Requesting termination... Goodbye!")
    );
    gateway.join();
    drop(idle);
}

#[test]
fn addresses_that_cannot_be_bound_are_named() {
    let gateway = TestServer::start();
    let mut config = Config::default();
    config.listen = vec![gateway.address.to_string()];
    let error = Server::bind(config.clone()).expect_err("the address is taken");
    assert_eq!(error.to_string(), format!("cannot listen on `{}`", gateway.address));
    config.listen = vec!["nonsense".to_owned()];
    assert!(matches!(
        Server::bind(config.clone()),
        Err(GatewayError::Serve(ServeError::Listen { .. }))
    ));
    config.listen.clear();
    assert!(matches!(Server::bind(config), Err(GatewayError::Serve(ServeError::NoAddress))));
}

#[test]
fn a_port_without_a_host_is_on_all_interfaces() {
    let mut config = Config::default();
    config.listen = vec![":0".to_owned()];
    let server = Server::bind(config).expect("a free port");
    assert!(server.addresses()[0].ip().is_unspecified());
}
