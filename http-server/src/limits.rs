//! The limits of a server.

use std::time::Duration;

/// The limits of an [`HttpServer`](crate::HttpServer). Every value is valid.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Number of connections that may be open at once; at least 1. Further connections wait in the queue of the
    /// listener. Default: 512.
    pub connections_max: usize,
    /// Bytes of a request line with all headers; at least 8,192. A larger request is answered with 431. A target of
    /// more than 65,534 bytes is answered with 414, however large this limit is. Default: 256 KiB.
    pub header_bytes_max: usize,
    /// Number of header lines of a request. A request with more is answered with 431. Default: 100.
    pub headers_max: usize,
    /// Time in which a complete request head must arrive; otherwise the server closes the connection. The time starts
    /// when the connection becomes idle, so an idle connection stays open for this time. Default: 10 s.
    pub header_timeout: Duration,
    /// Bytes of a body as sent, before decompression. A larger body is answered with 413. Default: 64 MiB.
    pub body_bytes_max: usize,
    /// Time between two pieces of a body. If it passes without a piece, the request is answered with 408. Default: 10
    /// s.
    pub body_idle_timeout: Duration,
    /// Time in which a complete body must arrive; otherwise the request is answered with 408. Default: 120 s.
    pub body_timeout: Duration,
    /// Bytes of all bodies that are being received or handled, summed over all connections. A request that would
    /// exceed the sum is answered with 503. Default: 256 MiB.
    pub bodies_bytes_max: usize,
    /// Time for which a client may read nothing of its response. After that, the server closes the connection.
    /// Default: 30 s.
    pub write_idle_timeout: Duration,
    /// Time in which requests in flight may finish after a request for shutdown. After that, the server drops these
    /// requests. Default: 5 s.
    pub shutdown_timeout: Duration,
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
            shutdown_timeout: Duration::from_secs(5),
        }
    }
}
