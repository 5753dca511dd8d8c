//! `prompush gateway`.

use std::time::Duration;

use clap::Args;

use crate::args::duration::parse_duration;
use crate::args::log_level::LogLevel;

/// Run a gateway, compatible with the Prometheus Pushgateway, in memory
///
/// Takes the flags of the Pushgateway for what it does, and one that the Pushgateway does not have:
/// `--metric.expiration`. It holds what was pushed in memory: after a restart it is empty.
///
/// It stops cleanly on SIGINT and SIGTERM.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  prompush gateway
  prompush gateway --push.disable-consistency-check --metric.expiration=300s
  prompush gateway --web.listen-address=127.0.0.1:9091
")]
pub(crate) struct GatewayArgs {
    /// Address to listen on; may be repeated
    ///
    /// `host:port`, or `:port` for all interfaces. Port 0 takes a free one.
    #[arg(long = "web.listen-address", value_name = "ADDRESS", default_value = ":9091")]
    pub(crate) listen_address: Vec<String>,

    /// Allow PUT and POST to `/-/quit`, which ends the gateway
    #[arg(long = "web.enable-lifecycle")]
    pub(crate) enable_lifecycle: bool,

    /// Allow PUT to `/api/v1/admin/wipe`, which deletes everything
    #[arg(long = "web.enable-admin-api")]
    pub(crate) enable_admin_api: bool,

    /// Answer pushes with 202 instead of 200, as the Pushgateway does with this flag
    ///
    /// The check itself is made all the same: it costs little here, and without it one push can make
    /// every scrape fail.
    #[arg(long = "push.disable-consistency-check")]
    pub(crate) disable_consistency_check: bool,

    /// Delete groups that were not pushed for so long, such as `300s`, `1h30m` or `7d`
    ///
    /// Without it, or with `0s`, groups stay until they are deleted. A group that holds a gauge `push_ttl_seconds`
    /// has that lifetime instead. Expiry hides a dead job: alert on the time of its last success as well.
    #[arg(long = "metric.expiration", value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) metric_expiration: Option<Duration>,

    /// File to keep metrics in: has to be empty, as this gateway is in memory
    #[arg(
        long = "persistence.file",
        value_name = "FILE",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) persistence_file: String,

    /// Least important messages to log
    #[arg(long = "log.level", value_enum, value_name = "LEVEL", default_value_t = LogLevel::Info)]
    pub(crate) log_level: LogLevel,
}
