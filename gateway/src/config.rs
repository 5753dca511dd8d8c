//! The configuration of a gateway.

use std::time::Duration;

use prompush_http_server::Limits;

/// The configuration of a gateway. Every value is valid.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// Addresses to listen on: `host:port`, or `:port` for all interfaces. Default: `:9091`.
    pub listen: Vec<String>,
    /// Answers an accepted push with 202 instead of 200, as upstream does with `--push.disable-consistency-check`. The
    /// gateway still checks every push, because the check costs little, and one push could make every scrape fail
    /// without the check. Default: off.
    pub disable_consistency_check: bool,
    /// Lifetime of a group. The lifetime starts at the last successful push, or at the last failed push if none
    /// succeeded. When the lifetime has passed, the gateway removes the group. A gauge `push_ttl_seconds` in a group
    /// sets another lifetime for this group. Default: none, so groups stay; zero means the same.
    pub metric_expiration: Option<Duration>,
    /// Allows PUT and POST to `/-/quit`, which shuts the server down. Default: off.
    pub enable_lifecycle: bool,
    /// Allows PUT to `/api/v1/admin/wipe`, which deletes all groups. Default: off.
    pub enable_admin_api: bool,
    /// The limits of the HTTP server, each with its own default.
    pub http: Limits,
    /// Bytes of a body after decompression. A larger body is answered with 413. Default: 128 MiB.
    pub decompressed_bytes_max: usize,
    /// Number of groups. A push that would create one more is answered with 503. Default: 100,000.
    pub groups_max: usize,
    /// Number of series in all groups, including the two series with the push times of each group. A push that would
    /// exceed this number is answered with 503. Default: 5,000,000.
    pub series_max: usize,
    /// Bytes of all samples as text. A push that would exceed this size is answered with 503. Default: 1 GiB.
    pub exposition_bytes_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: vec![":9091".to_owned()],
            disable_consistency_check: false,
            metric_expiration: None,
            enable_lifecycle: false,
            enable_admin_api: false,
            http: Limits::default(),
            decompressed_bytes_max: 128 << 20,
            groups_max: 100_000,
            series_max: 5_000_000,
            exposition_bytes_max: 1 << 30,
        }
    }
}
