//! `prompush spool`, and the flag with the directory of the spool.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::args::gateway_url::GatewayUrlArg;

#[derive(Clone, Debug, Default, Args)]
pub(crate) struct SpoolDirArg {
    /// Directory that stores a failed push for a later run [default: $PROMPUSH_SPOOL]
    ///
    /// When the command ends, a push that failed is on disk (fsynced). A later run with the same
    /// directory, or `prompush spool flush`, sends it, unless its group was pushed in the meantime.
    /// A missing directory is created; only its owner can read it.
    #[arg(long = "spool", value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
}

/// List, send or remove failed pushes that are stored on disk
///
/// If a push or a deletion fails, `prompush push` and `prompush delete` store it in the directory of
/// `--spool` or `PROMPUSH_SPOOL`. Programs that use the library can do the same. The directory has
/// one file for each gateway and group.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  prompush push --job backup --spool ~/.cache/prompush backup.prom
  prompush spool list --spool ~/.cache/prompush
  prompush spool flush --spool ~/.cache/prompush
")]
pub(crate) struct SpoolArgs {
    #[command(subcommand)]
    pub(crate) command: SpoolCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SpoolCommand {
    List(SpoolListArgs),
    Flush(SpoolFlushArgs),
    Drop(SpoolDropArgs),
}

/// List the files of the spool
///
/// `--json` prints an array of objects:
///   file        string: path of the file
///   url         string: URL of the gateway, without credentials
///   labels      object of strings: the whole grouping key, with `job`
///   verb        `push`, `add` or `delete`
///   families    number of metric families in the body
///   bytes       number of bytes in the body
///   made        seconds since 1970: time of the newest part of the body
///   age_seconds number: age of that part
///   fault       string: why the file cannot be sent; null if it can
/// If `fault` is not null, every other field but `file` is null.
/// Later versions may add fields, and will remove none.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct SpoolListArgs {
    /// Print JSON instead of a table
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) spool: SpoolDirArg,
}

/// Send each file of the spool to its gateway
///
/// Before it sends a file, the command asks the gateway when the group was last pushed. If the
/// group was pushed after the file was made, the command removes the file and prints a warning.
/// `--timeout` limits the time for each file, including the question to the gateway. Each group that was sent is
/// printed to stdout. Credentials are only sent to the gateway of `--gateway` or `PUSHGATEWAY_URL`.
///
/// The exit code is 69 if a gateway could not be reached, and 1 if a gateway refused a file or a
/// file is damaged. Such a file stays in the spool.
#[derive(Debug, Args)]
pub(crate) struct SpoolFlushArgs {
    /// Print nothing on success
    #[arg(short, long)]
    pub(crate) quiet: bool,

    #[command(flatten)]
    pub(crate) spool: SpoolDirArg,

    #[command(flatten)]
    pub(crate) gateway: GatewayUrlArg,
}

/// Remove files from the spool without sending them
///
/// `--job` and `--group` select the groups whose files are removed; `--all` removes every file. Each
/// removed file is printed to stdout.
#[derive(Debug, Args)]
pub(crate) struct SpoolDropArgs {
    /// Remove only files of this job; `*` and `?` are wildcards
    #[arg(short, long, value_name = "GLOB")]
    pub(crate) job: Option<String>,

    /// Remove only files of groups with this label; may be repeated; `*` and `?` are wildcards
    #[arg(short, long, value_name = "NAME=GLOB")]
    pub(crate) group: Vec<String>,

    /// Remove every file, also damaged ones
    #[arg(long, conflicts_with_all = ["job", "group"])]
    pub(crate) all: bool,

    /// Print the files that would be removed, and remove nothing
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,

    #[command(flatten)]
    pub(crate) spool: SpoolDirArg,
}
