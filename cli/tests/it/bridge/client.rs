//! Clients of a bridge that are processes of their own, as gptme is.

use std::net::SocketAddr;

use prompush_testing::OtlpClient;

use crate::support::otlp_body;

/// Start times that the fixtures have lie in here, in nanoseconds since 1970.
const TIMES: std::ops::Range<u64> = 1_795_300_000_000_000_000..1_795_400_000_000_000_000;

/// A body as another process would have sent it, that many seconds later.
pub(super) fn fixture_later(name: &str, seconds: u64) -> Vec<u8> {
    let mut body = otlp_body(name);
    let mut at = 0;
    while let Some(bytes) = body.get(at..at + 8) {
        let time = u64::from_le_bytes(bytes.try_into().expect("eight bytes"));
        if TIMES.contains(&time) {
            let later = time + seconds * 1_000_000_000;
            body[at..at + 8].copy_from_slice(&later.to_le_bytes());
            at += 8;
        } else {
            at += 1;
        }
    }
    body
}

/// A process that posts what it is told, on one connection that stays open until it ends.
pub(super) struct Client(OtlpClient);

impl Client {
    #[track_caller]
    pub(super) fn start(bridge: SocketAddr) -> Self {
        Self(OtlpClient::start("bridge::client::acts_as_a_client", bridge))
    }

    pub(super) fn pid(&self) -> u32 {
        self.0.pid()
    }

    /// Posts a fixture as metrics, moved by that many seconds.
    #[track_caller]
    pub(super) fn post(&mut self, name: &str, seconds: u64) {
        assert_eq!(self.0.post("/v1/metrics", &fixture_later(name, seconds)), 200);
    }

    #[track_caller]
    pub(super) fn end(self) {
        self.0.end();
    }

    pub(super) fn kill(self) {
        self.0.kill();
    }
}

/// Not a test by itself: what a [`Client`] runs.
#[test]
fn acts_as_a_client() {
    OtlpClient::run_child();
}
