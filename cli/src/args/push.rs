//! `prompush push`.

use clap::Args;

use crate::args::body::BodyArgs;
use crate::args::gateway_url::GatewayUrlArg;
use crate::args::spool::SpoolDirArg;

/// Push metrics to a group, replacing what it held
///
/// Reads metrics in the Prometheus text format or OpenMetrics, checks them, and replaces the whole
/// group on the gateway by them. What a gateway would refuse, or would suffer from, is never sent:
/// it is shown with its line and column.
///
/// Windows line ends, a byte order mark and a missing last line end are forgiven. OpenMetrics is
/// converted to text with its types kept; exemplars are dropped, as no gateway takes them.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  echo \"test_metric 42\" | prompush push --job test
  prompush push --job backup --group instance=db1 backup.prom
  prompush push --job backup --add more.prom
  some-exporter --once | prompush push --job nightly --dry-run
")]
pub(crate) struct PushArgs {
    /// Job of the group
    #[arg(short, long)]
    pub(crate) job: String,

    /// Label of the group, such as `instance=db1`; may be repeated
    #[arg(short, long, value_name = "NAME=VALUE")]
    pub(crate) group: Vec<String>,

    /// Replace only the families that are in the input (POST)
    ///
    /// Families of the group that are not in the input stay as they are. Without `--add` the whole
    /// group is replaced (PUT).
    #[arg(short, long)]
    pub(crate) add: bool,

    /// Send the body compressed with gzip
    #[arg(long)]
    pub(crate) gzip: bool,

    /// Print the body instead of pushing it
    ///
    /// Prints the exact body to stdout and the request line to stderr. No gateway is asked.
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,

    /// Drop timestamps, which gateways refuse
    ///
    /// A gateway shows a metric as of the time of the scrape and refuses metrics with timestamps.
    /// With this flag they are pushed without.
    #[arg(long)]
    pub(crate) drop_timestamps: bool,

    /// Push even if there is no metric in the input
    ///
    /// Pushing nothing empties the group, which is seldom meant: without this flag it is refused.
    #[arg(long)]
    pub(crate) allow_empty: bool,

    /// Say nothing when all went well
    #[arg(short, long)]
    pub(crate) quiet: bool,

    #[command(flatten)]
    pub(crate) body: BodyArgs,

    #[command(flatten)]
    pub(crate) spool: SpoolDirArg,

    #[command(flatten)]
    pub(crate) gateway: GatewayUrlArg,
}
