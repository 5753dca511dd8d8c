//! What a gateway can be told.

use std::time::Duration;

use prompush_http_server::Limits;

/// What a gateway can be told. Every value is valid.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Addresses to listen on: `host:port`, or `:port` for all interfaces. Default: `:9091`.
    pub listen: Vec<String>,
    /// Answers an accepted push with 202 instead of 200, as upstream does with `--push.disable-consistency-check`.
    /// The check itself is made all the same: it costs little, and without it one push can spoil every scrape.
    /// Default: off.
    pub disable_consistency_check: bool,
    /// Time after its last successful push (or its last failed one, if none succeeded) when a group is removed.
    /// A group with a gauge `push_ttl_seconds` has that lifetime instead. Default: none, groups stay; so they do with zero.
    pub metric_expiration: Option<Duration>,
    /// Allows PUT and POST to `/-/quit`, which stops the server. Default: off.
    pub enable_lifecycle: bool,
    /// Allows PUT to `/api/v1/admin/wipe`, which deletes all groups. Default: off.
    pub enable_admin_api: bool,
    /// Bytes of a body as sent; more are answered 413. Default: 64 MiB.
    pub body_bytes_max: usize,
    /// Bytes of a body after decompression; more are answered 413. Default: 128 MiB.
    pub decompressed_bytes_max: usize,
    /// Bytes of all bodies in work at once; a request that needs more is answered 503. Default: 256 MiB.
    pub bodies_bytes_max: usize,
    /// Time between two pieces of a body; then 408. Default: 10 s.
    pub body_idle_timeout: Duration,
    /// Time for a whole body; then 408. Default: 120 s.
    pub body_timeout: Duration,
    /// Bytes of a request line with its headers; more are answered 431. At least 8,192. Default: 256 KiB.
    pub header_bytes_max: usize,
    /// Header lines of a request; more are answered 431. Default: 100.
    pub headers_max: usize,
    /// Time for a request head, and for which an idle connection is kept. Default: 10 s.
    pub header_timeout: Duration,
    /// Connections open at once, at least one; more wait. Default: 512.
    pub connections_max: usize,
    /// Time in which a client takes nothing of its answer; then the connection is dropped. Default: 30 s.
    pub write_idle_timeout: Duration,
    /// Time that requests in work get to end after a stop. Default: 5 s.
    pub shutdown_timeout: Duration,
    /// Groups at once; a push that makes one more is answered 503. Default: 100,000.
    pub groups_max: usize,
    /// Series of all groups, with two for each group's push times; a push beyond that is answered 503. Default: 5,000,000.
    pub series_max: usize,
    /// Bytes of all samples as text; a push beyond that is answered 503. Default: 1 GiB.
    pub exposition_bytes_max: usize,
}

impl Config {
    /// The part that the HTTP host is told.
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
