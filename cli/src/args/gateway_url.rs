//! The gateway, the time limit and the access: flags of every command that sends requests to a gateway.

use std::time::Duration;

use clap::Args;

use crate::args::access::AccessArgs;
use crate::args::duration::parse_duration;

#[derive(Debug, Args)]
pub(crate) struct GatewayUrlArg {
    /// URL of the gateway [default: $PUSHGATEWAY_URL, then http://localhost:9091]
    ///
    /// The base URL of the gateway, such as `http://host:9091` or
    /// `https://user:password@host/prefix`. A URL without a scheme gets `http`. A user and a
    /// password in the URL are sent as basic authentication, and no message shows them. Other
    /// users of this machine can read a flag, so put a URL with a password into the variable.
    #[arg(short = 'u', long = "gateway", value_name = "URL")]
    pub(crate) url: Option<String>,

    /// Time limit for the whole operation, with all retries
    ///
    /// A duration, such as `30s`, `1m30s` or `1d`. One attempt may take a third of this time, or
    /// 10 s if that is more. If the gateway is unreachable, too slow or overloaded, the command
    /// tries again, with longer and longer waits in between.
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = parse_duration)]
    pub(crate) timeout: Duration,

    #[command(flatten)]
    pub(crate) access: AccessArgs,
}
