//! `prompush delete`.

use clap::Args;

use crate::args::gateway_url::GatewayUrlArg;
use crate::args::spool::SpoolDirArg;

/// Delete groups from a gateway
///
/// Without wildcards exactly one group is deleted: the one whose whole key is `--job` and the
/// `--group` labels. `--job x` leaves the group with `instance="i"` of that job alone.
///
/// With `*` or `?` in any value, every group is deleted that `prompush list` shows for the same
/// arguments, whatever other labels it has. Gateways know no wildcards: the groups are listed, and
/// each is deleted by its whole key. Each group deleted is printed to stdout.
///
/// If no group matches, that is said and the exit code is 1, unless `--if-exists` is given.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  prompush delete --job test
  prompush delete --job backup --group instance=db1
  prompush delete --job 'gptme-*' --dry-run
  prompush delete --job gptme --group 'instance=*'
")]
pub(crate) struct DeleteArgs {
    /// Job of the group; `*` and `?` are wildcards
    #[arg(short, long, value_name = "GLOB")]
    pub(crate) job: String,

    /// Label of the group; may be repeated; `*` and `?` in the value are wildcards
    #[arg(short, long, value_name = "NAME=GLOB")]
    pub(crate) group: Vec<String>,

    /// Take `*` and `?` as they stand
    #[arg(long)]
    pub(crate) literal: bool,

    /// Succeed when there is nothing to delete
    #[arg(long)]
    pub(crate) if_exists: bool,

    /// Print what would be deleted, and delete nothing
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,

    /// Print nothing when all went well
    #[arg(short, long)]
    pub(crate) quiet: bool,

    #[command(flatten)]
    pub(crate) spool: SpoolDirArg,

    #[command(flatten)]
    pub(crate) gateway: GatewayUrlArg,
}
