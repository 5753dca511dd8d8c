//! `prompush demo`, and the hidden command of the workers that it starts.

use std::time::Duration;

use clap::Args;

use crate::args::duration::parse_duration;

/// Show how programs push, and what is lost when one is killed
///
/// Starts a gateway on a free port of this machine, or uses the gateway of `--gateway`. Starts
/// three programs that record and push: the first ends by itself, SIGTERM ends the second, SIGKILL
/// kills the third. Shows how much each program has recorded and how much the gateway holds. The
/// last line says what was recorded, what arrived and what was lost.
///
/// The exit code is 0 only if everything arrived that the first two programs recorded. The demo
/// takes about ten seconds.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// URL of a gateway to use instead of starting one
    ///
    /// The demo ignores `PUSHGATEWAY_URL`, so that it never changes a gateway in use by accident.
    #[arg(short = 'u', long = "gateway", value_name = "URL")]
    pub(crate) url: Option<String>,
}

/// Record and push as a worker of the demo
#[derive(Debug, Args)]
pub(crate) struct DemoWorkerArgs {
    #[arg(long)]
    pub(crate) gateway: String,
    #[arg(long)]
    pub(crate) job: String,
    #[arg(long)]
    pub(crate) instance: String,
    /// Time after which the worker ends by itself
    #[arg(long, value_parser = parse_duration)]
    pub(crate) ends_after: Duration,
    #[arg(long, value_parser = parse_duration)]
    pub(crate) interval: Duration,
    #[arg(long, value_parser = parse_duration)]
    pub(crate) ttl: Option<Duration>,
    /// Ignore the proxy variables, because the gateway runs on this machine
    #[arg(long)]
    pub(crate) no_proxy: bool,
}
