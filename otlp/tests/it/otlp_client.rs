//! A client that keeps its connection open, in this process or in one of its own.

use std::net::SocketAddr;

use prompush_testing::http::Response;
use prompush_testing::{KeepAlive, OTLP_HEADERS, OtlpClient, otlp_capture};

/// An open connection.
pub(crate) struct Client(KeepAlive);

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        Self(KeepAlive::connect(address).expect("the receiver listens"))
    }

    pub(crate) fn post(&mut self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
        let is_given =
            |name: &str| headers.iter().any(|(given, _)| given.eq_ignore_ascii_case(name));
        let mut all: Vec<_> =
            OTLP_HEADERS.into_iter().filter(|(name, _)| !is_given(name)).collect();
        all.extend(headers);
        self.0.post(path, &all, body).expect("an answer")
    }

    /// Posts a capture to `/v1/metrics`.
    pub(crate) fn post_metrics(&mut self, name: &str) -> Response {
        self.post("/v1/metrics", &[], &otlp_capture(name))
    }
}

/// Not a test by itself: a [`ClientProcess`] runs it.
#[test]
fn acts_as_a_client() {
    OtlpClient::run_child();
}

/// A process that posts captures.
pub(crate) struct ClientProcess(OtlpClient);

impl ClientProcess {
    #[track_caller]
    pub(crate) fn start(address: SocketAddr) -> Self {
        Self(OtlpClient::start("otlp_client::acts_as_a_client", address))
    }

    pub(crate) fn pid(&self) -> u32 {
        self.0.pid()
    }

    /// Posts a capture to that path on the open connection.
    #[track_caller]
    pub(crate) fn post(&mut self, path: &str, name: &str) {
        assert_eq!(self.0.post(path, &otlp_capture(name)), 200);
    }

    #[track_caller]
    pub(crate) fn reconnect(&mut self) {
        self.0.reconnect();
    }

    pub(crate) fn kill(self) {
        self.0.kill();
    }

    #[track_caller]
    pub(crate) fn end(self) {
        self.0.end();
    }
}
