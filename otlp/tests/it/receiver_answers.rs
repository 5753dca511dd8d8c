//! Guards: the receiver answers every export at once, with 2xx.

use std::time::{Duration, Instant};

use prompush_otlp::receiver::ReceiverConfig;
use prompush_testing::{Answer, ScriptedServer, http, otlp_capture, wait_until};

use crate::otlp_client::Client;
use crate::support::{SOON, counted, receiver, receiver_with};

#[test]
fn answers_are_those_of_otlp_over_http() {
    let receiver = receiver();
    let mut client = Client::connect(receiver.address());
    for path in
        ["/v1/metrics", "/prefix/v1/metrics", "/v1/traces", "/v1/metrics/v1/traces", "/v1/logs"]
    {
        let answer = client.post(path, &[], &otlp_capture("long-1"));
        assert_eq!((answer.status, answer.body.len()), (200, 0), "{path}");
        assert_eq!(answer.header("content-type"), Some("application/x-protobuf"));
    }
    let json = client.post("/v1/metrics", &[("Content-Type", "application/json")], b"{}");
    assert_eq!((json.status, json.body.as_slice()), (200, b"{}".as_slice()));
    let requests = |signal| {
        counted(&receiver, &format!("prompush_receiver_requests_total{{signal=\"{signal}\"}}"))
    };
    assert_eq!((requests("metrics"), requests("traces"), requests("logs")), (3, 2, 1));
}

#[test]
fn an_undecodable_body_is_counted_and_acknowledged() {
    let receiver = receiver();
    let mut client = Client::connect(receiver.address());
    let bodies: [(&str, &[u8]); 4] =
        [("identity", b"\xFF\xFF\xFF"), ("gzip", b"no gzip"), ("br", b"x"), ("deflate", b"")];
    for (encoding, body) in bodies {
        assert_eq!(client.post("/v1/metrics", &[("Content-Encoding", encoding)], body).status, 200);
    }
    let dropped = "prompush_receiver_bodies_dropped_total{reason=\"undecodable\"}";
    wait_until(SOON, "they are counted", || counted(&receiver, dropped) >= 3);
    assert_eq!(client.post_metrics("long-1").status, 200, "the connection is as good as before");
    wait_until(SOON, "an instance", || !receiver.instances().is_empty());
}

#[test]
fn a_request_that_is_not_otlp_gets_an_error() {
    let receiver = receiver();
    let status = |method, path| {
        http::request(receiver.address(), method, path, &[], b"").expect("an answer").status
    };
    assert_eq!(status("GET", "/-/ready"), 200);
    assert_eq!(status("GET", "/v1/metrics"), 405);
    assert_eq!(status("POST", "/metrics"), 404);
}

#[test]
fn a_body_that_exceeds_the_queue_is_dropped_and_counted() {
    let receiver = receiver_with(ReceiverConfig::default().metrics_bytes_max(100));
    assert_eq!(Client::connect(receiver.address()).post_metrics("long-1").status, 200);
    assert_eq!(
        counted(&receiver, "prompush_receiver_bodies_dropped_total{reason=\"queue_full\"}"),
        1
    );
}

#[test]
fn an_address_that_is_taken_is_an_error_that_names_it() {
    let first = receiver();
    let address = first.address().to_string();
    let error = prompush_otlp::receiver::OtlpReceiver::bind(&address, ReceiverConfig::default());
    assert!(error.expect_err("it is taken").to_string().contains(&address));
}

/// How many requests are timed.
const REQUESTS: usize = 300;

/// The median that the project promises.
const MEDIAN_MAX: Duration = Duration::from_millis(5);

#[test]
fn answers_come_at_once_whatever_the_target_of_traces_does() {
    let down = format!("http://{}", prompush_testing::free_address());
    let busy = ScriptedServer::start([Answer::status(503)]);
    let hanging = ScriptedServer::start([Answer::Hang]);
    let deaf = ScriptedServer::start([Answer::HangUnread]);
    let targets =
        [("down", down), ("503", busy.url()), ("hanging", hanging.url()), ("deaf", deaf.url())];
    let spans = vec![b'x'; 200_000];
    for (state, target) in targets {
        let target = prompush::HttpUrl::parse(&target).expect("a good URL");
        let config = ReceiverConfig::default().traces_to(Some(target)).traces_bytes_max(1 << 20);
        let receiver = receiver_with(config);
        let (mut metrics, mut traces) =
            (Client::connect(receiver.address()), Client::connect(receiver.address()));
        let points = otlp_capture("tools-flush");
        let mut times: Vec<Duration> = (0..REQUESTS)
            .map(|number| {
                let started = now();
                let answer = match number % 2 {
                    0 => metrics.post("/v1/metrics", &[], &points),
                    _ => traces.post("/v1/traces", &[], &spans),
                };
                assert_eq!(answer.status, 200);
                started.elapsed()
            })
            .collect();
        times.sort();
        let (median, longest) = (times[REQUESTS / 2], times[REQUESTS - 1]);
        println!("target {state}: median {median:?}, longest {longest:?}");
        assert!(median < MEDIAN_MAX, "target {state}: median {median:?}");
        let dropped = counted(&receiver, "prompush_receiver_traces_total{outcome=\"queue_full\"}");
        assert!(dropped > 0, "target {state}: the queue is bounded");
        let started = now();
        receiver.stop(Duration::from_millis(300));
        println!("target {state}: {dropped} dropped, stopped after {:?}", started.elapsed());
        assert!(started.elapsed() < Duration::from_secs(5), "stopping is bounded");
    }
}

#[expect(clippy::disallowed_methods, reason = "answers are timed on the real clock")]
fn now() -> Instant {
    Instant::now()
}
