//! The gateway and the time for it: part of every command that asks a gateway.

use std::time::Duration;

use clap::Args;

use crate::args::access::AccessArgs;
use crate::args::duration::parse_duration;

#[derive(Debug, Args)]
pub(crate) struct GatewayUrlArg {
    /// URL of the gateway; else $PUSHGATEWAY_URL, else http://localhost:9091
    ///
    /// The gateway's base URL, such as `http://host:9091` or `https://user:password@host/prefix`;
    /// without a scheme it is `http`. Credentials in it are sent as basic authentication and shown
    /// in no message; in the environment they are out of sight of other users.
    #[arg(short = 'u', long = "gateway", value_name = "URL")]
    pub(crate) url: Option<String>,

    /// Longest time for the whole operation, with all retries
    ///
    /// Written as `30s`, `1m30s` or `1d`. An attempt gets a third of it, or 10 s if that is more;
    /// while the gateway is unreachable, late or busy, more attempts follow with growing waits.
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = parse_duration)]
    pub(crate) timeout: Duration,

    #[command(flatten)]
    pub(crate) access: AccessArgs,
}
