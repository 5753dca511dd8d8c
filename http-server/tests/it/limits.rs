//! Guards the limits of the server: what exceeds a limit is answered or cut off as [`Limits`] documents it.

use std::io::{Read as _, Write as _};
use std::time::Duration;

use prompush_http_server::Limits;

use crate::support::TestServer;

/// A request whose response ends the connection.
fn post(headers: &str, body: &str) -> Vec<u8> {
    format!("POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n{body}").into_bytes()
}

fn with_length(body: &str) -> Vec<u8> {
    post(&format!("Content-Length: {}\r\n", body.len()), body)
}

#[track_caller]
fn assert_status(response: &str, status: u16) {
    assert!(response.starts_with(&format!("HTTP/1.1 {status} ")), "{response}");
}

#[test]
fn a_body_has_a_size() {
    let mut limits = Limits::default();
    limits.body_bytes_max = 10;
    let server = TestServer::with_limits(limits);
    assert_status(&server.exchange(&with_length("0123456789")), 200);
    assert_status(&server.exchange(&with_length("0123456789A")), 413);
    let chunked = "Transfer-Encoding: chunked\r\n";
    assert_status(&server.exchange(&post(chunked, "a\r\n0123456789\r\n0\r\n\r\n")), 200);
    assert_status(&server.exchange(&post(chunked, "b\r\n0123456789A\r\n0\r\n\r\n")), 413);
}

#[test]
fn all_bodies_together_have_a_size() {
    let mut limits = Limits::default();
    limits.bodies_bytes_max = 10;
    let server = TestServer::with_limits(limits);
    let response = server.exchange(&with_length("0123456789A"));
    assert_status(&response, 503);
    assert!(response.to_ascii_lowercase().contains("retry-after: 1\r\n"), "{response}");
    // Each response gives the memory of its request back.
    for _ in 0..3 {
        assert_status(&server.exchange(&with_length("0123456789")), 200);
    }
}

#[test]
fn a_head_has_a_size() {
    let server = TestServer::with_limits(Limits::default());
    assert_status(&server.exchange(&post(&"X-A: b\r\n".repeat(98), "")), 200);
    assert_status(&server.exchange(&post(&"X-A: b\r\n".repeat(99), "")), 431);
}

#[test]
fn slow_heads_and_bodies_are_cut_off() {
    let mut limits = Limits::default();
    limits.header_timeout = Duration::from_millis(50);
    limits.body_idle_timeout = Duration::from_millis(50);
    let server = TestServer::with_limits(limits);
    assert_eq!(server.exchange(b""), "");
    assert_eq!(server.exchange(b"POST / HTTP/1.1\r\nHo"), "");
    assert_status(&server.exchange(&post("Content-Length: 2\r\n", "0")), 408);
}

#[test]
fn a_truncated_body_never_reaches_the_handler() {
    let server = TestServer::with_limits(Limits::default());
    let mut stream = server.connect();
    stream.write_all(&post("Content-Length: 2\r\n", "0")).expect("the bytes are sent");
    stream.shutdown(std::net::Shutdown::Write).expect("a half-closed connection");
    let mut response = String::new();
    stream.read_to_string(&mut response).expect("a response");
    assert_status(&response, 400);
    assert!(response.ends_with("unexpected EOF\n"), "{response}");
}

#[test]
fn two_kinds_of_length_are_refused() {
    let server = TestServer::with_limits(Limits::default());
    let both = "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n";
    assert_status(&server.exchange(&post(both, "0\r\n\r\n")), 400);
}

#[test]
fn connections_beyond_the_limit_wait() {
    let mut limits = Limits::default();
    limits.connections_max = 1;
    let server = TestServer::with_limits(limits);
    let first = server.connect();
    let mut second = server.connect();
    second.write_all(&with_length("")).expect("a request is sent");
    drop(first);
    let mut response = String::new();
    second.read_to_string(&mut response).expect("a response");
    assert_status(&response, 200);
}
