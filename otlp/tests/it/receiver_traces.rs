//! Guards: traces are forwarded unchanged, and dropped and counted when they cannot be forwarded.

use std::time::Duration;

use prompush::HttpUrl;
use prompush_otlp::receiver::{OtlpReceiver, ReceiverConfig};
use prompush_testing::{Answer, ScriptedServer, otlp_capture, wait_until};

use crate::otlp_client::Client;
use crate::support::{SOON, counted, receiver, receiver_with};

fn forwarding_to(url: &str) -> OtlpReceiver {
    let target = HttpUrl::parse(url).expect("a good URL");
    receiver_with(ReceiverConfig::default().traces_to(Some(target)))
}

fn outcome(receiver: &OtlpReceiver, outcome: &str) -> u64 {
    counted(receiver, &format!("prompush_receiver_traces_total{{outcome=\"{outcome}\"}}"))
}

#[test]
fn traces_arrive_byte_for_byte_with_the_headers_of_the_client() {
    let collector = ScriptedServer::start([Answer::status(200).keep_alive()]);
    let receiver = forwarding_to(&collector.url());
    let mut client = Client::connect(receiver.address());
    let headers =
        [("Content-Encoding", "gzip"), ("x-tenant", "a b"), ("Authorization", "Bearer x")];
    let bodies = [otlp_capture("traces-small"), otlp_capture("gzip-1"), vec![0, 255, 10, 13]];
    client.post("/v1/traces", &[], &bodies[0]);
    client.post("/v1/traces", &headers, &bodies[1]);
    client.post("/v1/metrics/v1/traces", &[], &bodies[2]);
    let requests = collector.wait_for_requests(3, SOON);
    for (request, body) in requests.iter().zip(&bodies) {
        assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/v1/traces"));
        assert!(request.body == *body, "the body is changed");
        assert_eq!(request.header("content-type"), Some("application/x-protobuf"));
        assert_eq!(request.header("user-agent"), Some("OTel-OTLP-Exporter-Python/1.34.1"));
        assert_eq!(request.header("host"), Some(collector.address().to_string().as_str()));
    }
    assert_eq!(requests[0].header("content-encoding"), None);
    for (name, value) in headers {
        assert_eq!(requests[1].header(&name.to_ascii_lowercase()), Some(value));
    }
    wait_until(SOON, "they are counted", || outcome(&receiver, "forwarded") == 3);
}

#[test]
fn a_target_may_be_given_with_its_path() {
    let collector = ScriptedServer::start([Answer::status(200)]);
    for (path, expected) in [("/v1/traces", "/v1/traces"), ("/otlp/", "/otlp/v1/traces")] {
        let receiver = forwarding_to(&format!("{}{path}", collector.url()));
        Client::connect(receiver.address()).post("/v1/traces", &[], b"x");
        receiver.stop(SOON);
        assert_eq!(
            collector.requests().last().map(|it| it.target.clone()).as_deref(),
            Some(expected)
        );
    }
}

#[test]
fn a_busy_collector_is_tried_again() {
    let collector =
        ScriptedServer::start([Answer::status(503), Answer::CloseAfterBody, Answer::status(200)]);
    let receiver = forwarding_to(&collector.url());
    Client::connect(receiver.address()).post("/v1/traces", &[], b"spans");
    wait_until(SOON, "it arrives", || outcome(&receiver, "forwarded") == 1);
    assert!(collector.requests().iter().all(|request| request.body == b"spans"));
}

#[test]
fn a_refused_request_is_counted_and_not_retried() {
    let collector = ScriptedServer::start([Answer::status(400)]);
    let receiver = forwarding_to(&collector.url());
    Client::connect(receiver.address()).post("/v1/traces", &[], b"spans");
    wait_until(SOON, "it is counted", || outcome(&receiver, "refused") == 1);
    assert_eq!(collector.requests().len(), 1);
}

#[test]
fn without_a_target_they_are_counted_and_dropped() {
    let receiver = receiver();
    Client::connect(receiver.address()).post("/v1/traces", &[], b"spans");
    assert_eq!(outcome(&receiver, "no_target"), 1);
}

#[test]
fn a_stop_waits_for_them_and_no_longer_than_it_may() {
    let slow = ScriptedServer::start([Answer::status(200).held()]);
    let receiver = forwarding_to(&slow.url());
    Client::connect(receiver.address()).post("/v1/traces", &[], b"spans");
    slow.wait_for_requests(1, SOON);
    slow.release();
    receiver.stop(SOON);
    assert_eq!(outcome(&receiver, "forwarded"), 1);

    let hanging = ScriptedServer::start([Answer::Hang]);
    let receiver = forwarding_to(&hanging.url());
    let mut client = Client::connect(receiver.address());
    client.post("/v1/traces", &[], b"spans");
    client.post("/v1/traces", &[], b"more spans");
    hanging.wait_for_requests(1, SOON);
    drop(client);
    receiver.stop(Duration::from_millis(100));
    wait_until(SOON, "both are counted", || outcome(&receiver, "failed") == 2);
}

#[test]
fn a_stop_in_two_steps_abandons_a_target_that_fails() {
    for (answer, is_cut_short) in
        [(Answer::Hang, false), (Answer::Hang, true), (Answer::status(503), false)]
    {
        let target = ScriptedServer::start([answer]);
        let receiver = forwarding_to(&target.url());
        let mut client = Client::connect(receiver.address());
        client.post("/v1/traces", &[], b"spans");
        client.post("/v1/traces", &[], b"more spans");
        target.wait_for_requests(1, SOON);
        drop(client);
        receiver.stop_receiving(SOON);
        // Nothing but the failing target ends this wait.
        receiver.stop_forwarding(Duration::MAX, &|| is_cut_short);
        let dropped = || outcome(&receiver, "failed") + outcome(&receiver, "refused");
        wait_until(SOON, "both are counted", || dropped() == 2);
        assert!(target.requests().len() <= 2, "nothing is tried again");
    }
}

#[test]
fn a_stop_in_two_steps_waits_for_a_target_that_answers() {
    let slow = ScriptedServer::start([Answer::status(200).held()]);
    let receiver = forwarding_to(&slow.url());
    Client::connect(receiver.address()).post("/v1/traces", &[], b"spans");
    slow.wait_for_requests(1, SOON);
    receiver.stop_receiving(SOON);
    slow.release();
    receiver.stop_forwarding(SOON, &|| false);
    assert_eq!(outcome(&receiver, "forwarded"), 1);
}
