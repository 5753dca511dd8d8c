//! `prompush gateway`.

use std::time::Duration;

use clap::Args;

use crate::args::duration::parse_duration;
use crate::args::log_level::LogLevel;

/// Run a gateway that is compatible with the Prometheus Pushgateway
///
/// Accepts flags of the Pushgateway, and one that the Pushgateway does not have:
/// `--metric.expiration`. The gateway keeps the metrics in memory only: after a restart it is
/// empty.
///
/// SIGINT and SIGTERM stop the gateway cleanly.
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
    /// Written as `host:port`, or as `:port` for all network interfaces. Port 0 stands for any free
    /// port.
    #[arg(long = "web.listen-address", value_name = "ADDRESS", default_value = ":9091")]
    pub(crate) listen_address: Vec<String>,

    /// Allow requests that stop the gateway: PUT and POST to `/-/quit`
    #[arg(long = "web.enable-lifecycle")]
    pub(crate) enable_lifecycle: bool,

    /// Allow requests that delete all groups: PUT to `/api/v1/admin/wipe`
    #[arg(long = "web.enable-admin-api")]
    pub(crate) enable_admin_api: bool,

    /// Answer a push with 202 instead of 200, as the Pushgateway does with this flag
    ///
    /// This gateway still checks every push: the check costs little here, and without it one bad
    /// push can make every scrape fail.
    #[arg(long = "push.disable-consistency-check")]
    pub(crate) disable_consistency_check: bool,

    /// Delete a group whose last push is older than this, such as `300s`, `1h30m` or `7d`
    ///
    /// Without this flag, or with `0s`, a group stays until it is deleted. A group with a gauge
    /// `push_ttl_seconds` expires after that time instead. When the group of a dead job expires,
    /// nothing shows that the job is dead: also alert on the time of its last success.
    #[arg(long = "metric.expiration", value_name = "DURATION", value_parser = parse_duration)]
    pub(crate) metric_expiration: Option<Duration>,

    /// Only accepted empty, because this gateway keeps metrics in memory
    #[arg(
        long = "persistence.file",
        value_name = "FILE",
        default_value = "",
        hide_default_value = true
    )]
    pub(crate) persistence_file: String,

    /// Lowest level of messages to log
    #[arg(long = "log.level", value_enum, value_name = "LEVEL", default_value_t = LogLevel::Info)]
    pub(crate) log_level: LogLevel,
}
