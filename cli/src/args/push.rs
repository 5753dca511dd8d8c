//! `prompush push`.

use clap::Args;

use crate::args::body::BodyArgs;
use crate::args::gateway_url::GatewayUrlArg;
use crate::args::spool::SpoolDirArg;

/// Push metrics to a group, and replace the metrics that the group held
///
/// Reads metrics in the Prometheus text format or in OpenMetrics, checks them, and replaces the
/// whole group on the gateway with them. Metrics that a gateway would refuse, or that would break
/// its scrapes, are never sent: the command shows each error with its line and column.
///
/// Windows line ends, a byte order mark and a missing newline at the end are corrected.
/// OpenMetrics is converted to the text format and keeps its types. Exemplars are dropped, because
/// no gateway accepts them.
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

    /// Replace only the metric families that are in the input (POST)
    ///
    /// The group keeps its other families. Without `--add` the whole group is replaced (PUT).
    #[arg(short, long)]
    pub(crate) add: bool,

    /// Compress the request body with gzip
    #[arg(long)]
    pub(crate) gzip: bool,

    /// Print the request body instead of pushing it
    ///
    /// Prints the exact body to stdout, and the request line to stderr. Sends nothing to a gateway.
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,

    /// Remove the timestamps of the metrics
    ///
    /// A gateway refuses a metric with a timestamp. With this flag, such a metric is pushed without
    /// its timestamp.
    #[arg(long)]
    pub(crate) drop_timestamps: bool,

    /// Push even if the input has no metric
    ///
    /// A push without metrics empties the group, which is rarely intended. Without this flag the
    /// command refuses it.
    #[arg(long)]
    pub(crate) allow_empty: bool,

    /// Print nothing on success
    #[arg(short, long)]
    pub(crate) quiet: bool,

    #[command(flatten)]
    pub(crate) body: BodyArgs,

    #[command(flatten)]
    pub(crate) spool: SpoolDirArg,

    #[command(flatten)]
    pub(crate) gateway: GatewayUrlArg,
}
