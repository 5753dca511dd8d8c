//! The configuration of a gateway.

use std::time::Duration;

use prompush_http_server::Limits;

/// The configuration of a gateway. Every value is valid.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Addresses to listen on: `host:port`, or `:port` for all interfaces. Default: `:9091`.
    pub listen: Vec<String>,
    /// Answers an accepted push with 202 instead of 200, as upstream does with `--push.disable-consistency-check`.
    /// The gateway checks every push all the same: the check costs little, and without it one push could make every
    /// scrape fail. Default: off.
    pub disable_consistency_check: bool,
    /// Lifetime of a group. It starts at the last successful push, or at the last failed push if none succeeded. When
    /// it has passed, the gateway removes the group. A gauge `push_ttl_seconds` in a group overrides it for that
    /// group. Default: none, so groups stay; zero means the same.
    pub metric_expiration: Option<Duration>,
    /// Allows PUT and POST to `/-/quit`, which shuts the server down. Default: off.
    pub enable_lifecycle: bool,
    /// Allows PUT to `/api/v1/admin/wipe`, which deletes all groups. Default: off.
    pub enable_admin_api: bool,
    /// Bytes of a body as sent, before decompression. A larger body is answered with 413. Default: 64 MiB.
    pub body_bytes_max: usize,
    /// Bytes of a body after decompression. A larger body is answered with 413. Default: 128 MiB.
    pub decompressed_bytes_max: usize,
    /// Bytes of all bodies that are being received or handled, summed over all connections. A request that would
    /// exceed the sum is answered with 503. Default: 256 MiB.
    pub bodies_bytes_max: usize,
    /// Time between two pieces of a body. Then the request is answered with 408. Default: 10 s.
    pub body_idle_timeout: Duration,
    /// Time for a complete body. Then the request is answered with 408. Default: 120 s.
    pub body_timeout: Duration,
    /// Bytes of a request line with all headers. A larger request is answered with 431. At least 8,192.
    /// Default: 256 KiB.
    pub header_bytes_max: usize,
    /// Number of header lines of a request. A request with more is answered with 431. Default: 100.
    pub headers_max: usize,
    /// Time for a complete request head; also the time for which an idle connection is kept. Then the connection is
    /// closed. Default: 10 s.
    pub header_timeout: Duration,
    /// Number of connections that may be open at once; at least 1. Further connections wait. Default: 512.
    pub connections_max: usize,
    /// Time for which a client may read nothing of its response. Then the connection is closed. Default: 30 s.
    pub write_idle_timeout: Duration,
    /// Time that requests in flight get to finish after a shutdown was requested. Then they are dropped.
    /// Default: 5 s.
    pub shutdown_timeout: Duration,
    /// Number of groups. A push that would create one more is answered with 503. Default: 100,000.
    pub groups_max: usize,
    /// Number of series in all groups, the two with the push times of each group included. A push that would exceed
    /// it is answered with 503. Default: 5,000,000.
    pub series_max: usize,
    /// Bytes of all samples as text. A push that would exceed the sum is answered with 503. Default: 1 GiB.
    pub exposition_bytes_max: usize,
}

impl Config {
    /// The limits of the HTTP server.
    pub(crate) fn limits(&self) -> Limits {
        let mut limits = Limits::default();
        limits.connections_max = self.connections_max;
        limits.header_bytes_max = self.header_bytes_max;
        limits.headers_max = self.headers_max;
        limits.header_timeout = self.header_timeout;
        limits.body_bytes_max = self.body_bytes_max;
        limits.body_idle_timeout = self.body_idle_timeout;
        limits.body_timeout = self.body_timeout;
        limits.bodies_bytes_max = self.bodies_bytes_max;
        limits.write_idle_timeout = self.write_idle_timeout;
        limits.shutdown_timeout = self.shutdown_timeout;
        limits
    }
}

impl Default for Config {
    fn default() -> Self {
        let http = Limits::default();
        Self {
            listen: vec![":9091".to_owned()],
            disable_consistency_check: false,
            metric_expiration: None,
            enable_lifecycle: false,
            enable_admin_api: false,
            body_bytes_max: http.body_bytes_max,
            decompressed_bytes_max: 128 << 20,
            bodies_bytes_max: http.bodies_bytes_max,
            body_idle_timeout: http.body_idle_timeout,
            body_timeout: http.body_timeout,
            header_bytes_max: http.header_bytes_max,
            headers_max: http.headers_max,
            header_timeout: http.header_timeout,
            connections_max: http.connections_max,
            write_idle_timeout: http.write_idle_timeout,
            shutdown_timeout: http.shutdown_timeout,
            groups_max: 100_000,
            series_max: 5_000_000,
            exposition_bytes_max: 1 << 30,
        }
    }
}
