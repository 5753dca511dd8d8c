//! The limits of a server.

use std::time::Duration;

/// The limits of a [`HttpServer`](crate::HttpServer).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Connections open at once; more wait in the listener's queue. Default: 512.
    pub connections_max: usize,
    /// Bytes of a request line with its headers; more is answered 431. At least 8,192. Default: 256 KiB.
    pub header_bytes_max: usize,
    /// Header lines of a request; more are answered 431. Default: 100.
    pub headers_max: usize,
    /// Time for a whole request head, counted from when the connection became idle,
    /// so also how long an idle connection is kept. Default: 10 s.
    pub header_timeout: Duration,
    /// Bytes of a body as sent; more are answered 413. Default: 64 MiB.
    pub body_bytes_max: usize,
    /// Time between two pieces of a body; then 408. Default: 10 s.
    pub body_idle_timeout: Duration,
    /// Time for a whole body; then 408. Default: 120 s.
    pub body_timeout: Duration,
    /// Bytes of all bodies in work at once; a request that needs more is answered 503. Default: 256 MiB.
    pub bodies_bytes_max: usize,
    /// Time in which a client takes nothing of its answer; then the connection is dropped. Default: 30 s.
    pub write_idle_timeout: Duration,
    /// Time that requests in work get to end after a stop. Default: 5 s.
    pub stop_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 512,
            header_bytes_max: 256 << 10,
            headers_max: 100,
            header_timeout: Duration::from_secs(10),
            body_bytes_max: 64 << 20,
            body_idle_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_mins(2),
            bodies_bytes_max: 256 << 20,
            write_idle_timeout: Duration::from_secs(30),
            stop_timeout: Duration::from_secs(5),
        }
    }
}
