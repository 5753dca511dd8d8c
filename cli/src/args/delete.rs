//! `prompush delete`.

use clap::Args;

use crate::args::gateway_url::GatewayUrlArg;
use crate::args::spool::SpoolDirArg;

/// Delete groups from a gateway
///
/// Without wildcards, the command deletes one group: the group whose labels are exactly `--job` and
/// the `--group` labels. So `--job x` does not delete the group `{job="x",instance="i"}`.
///
/// With `*` or `?` in any value, the command deletes every group that `prompush list` shows for the
/// same arguments; a group may have more labels. A gateway itself knows no wildcards, so the
/// command lists the groups and deletes each of them. It prints each deleted group to stdout.
///
/// If no group matches, the command prints an error and exits with 1, unless `--if-exists` is given.
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

    /// Treat `*` and `?` as ordinary characters
    #[arg(long)]
    pub(crate) literal: bool,

    /// Exit with 0 even if no group matches
    #[arg(long)]
    pub(crate) if_exists: bool,

    /// Print the groups that would be deleted, and delete nothing
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,

    /// Print nothing on success
    #[arg(short, long)]
    pub(crate) quiet: bool,

    #[command(flatten)]
    pub(crate) spool: SpoolDirArg,

    #[command(flatten)]
    pub(crate) gateway: GatewayUrlArg,
}
