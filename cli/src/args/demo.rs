//! `prompush demo`, and the workers that it starts.

use std::time::Duration;

use clap::Args;

use crate::args::duration::parse_duration;

/// Show a push from end to end: programs that push, one ended, one killed
///
/// Starts a gateway in this process, on a free port of this machine, or uses the one given. Starts
/// three programs that record and push: one ends normally, one is ended by SIGTERM, one is killed
/// by SIGKILL. Shows what each recorded and what the gateway holds, and ends with one sentence:
/// what was recorded, what arrived, what was lost.
///
/// The exit code is 0 only if everything arrived that the cleanly ended programs recorded. It takes
/// about ten seconds.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// URL of a gateway to use instead of one of the demo's own
    ///
    /// `PUSHGATEWAY_URL` is not looked at: the demo does not touch a gateway in use by accident.
    #[arg(short = 'u', long = "gateway", value_name = "URL")]
    pub(crate) url: Option<String>,
}

/// What a program started by the demo does; not for people.
#[derive(Debug, Args)]
pub(crate) struct DemoWorkerArgs {
    #[arg(long)]
    pub(crate) gateway: String,
    #[arg(long)]
    pub(crate) job: String,
    #[arg(long)]
    pub(crate) instance: String,
    /// Ends by itself after that time.
    #[arg(long, value_parser = parse_duration)]
    pub(crate) ends_after: Duration,
    #[arg(long, value_parser = parse_duration)]
    pub(crate) interval: Duration,
    #[arg(long, value_parser = parse_duration)]
    pub(crate) ttl: Option<Duration>,
    /// The gateway is the demo's own: no proxy stands before it.
    #[arg(long)]
    pub(crate) no_proxy: bool,
}
