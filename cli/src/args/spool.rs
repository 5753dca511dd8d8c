//! What is kept on disk for a later run.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::args::gateway_url::GatewayUrlArg;

#[derive(Clone, Debug, Default, Args)]
pub(crate) struct SpoolDirArg {
    /// Directory that keeps what the gateway did not take, for a later run; else $PROMPUSH_SPOOL
    ///
    /// What is kept is on disk (fsynced) when the command ends, and is sent by a later run with the
    /// same directory, or by `prompush spool flush`, unless its group was pushed since. It is made
    /// where it is missing, readable by its owner alone.
    #[arg(long = "spool", value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
}

/// Show, send or drop what is kept on disk because no gateway took it
///
/// `prompush push` and `prompush delete` keep what failed in the directory given by `--spool` or
/// PROMPUSH_SPOOL, and so do programs that use the library. There is one file for each gateway and
/// group.
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

/// List what is kept
///
/// `--json` prints an array of objects:
///   file        string: the file's path
///   url         string: the gateway, without credentials
///   labels      object of strings: the group's key, `job` among them
///   verb        `push`, `add` or `delete`
///   families    number, and bytes, of the body
///   bytes
///   made        seconds since 1970: when the newest part of it was made
///   age_seconds number
///   fault       string: why the file cannot be sent, or null; then all but `file` are null
/// Fields may be added, none will be taken away.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct SpoolListArgs {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) spool: SpoolDirArg,
}

/// Send what is kept, each to its gateway
///
/// Before each is sent the gateway is asked when its group was pushed last: what is older is
/// dropped, and said so. `--timeout` is for each group, with that question. Each group sent is
/// printed to stdout. The credentials given are for the gateway of `--gateway` or PUSHGATEWAY_URL;
/// others are asked without any.
///
/// The exit code is 69 if a gateway could not be reached, and 1 if something was refused or is
/// damaged: it stays where it is.
#[derive(Debug, Args)]
pub(crate) struct SpoolFlushArgs {
    /// Print nothing when all went well
    #[arg(short, long)]
    pub(crate) quiet: bool,

    #[command(flatten)]
    pub(crate) spool: SpoolDirArg,

    #[command(flatten)]
    pub(crate) gateway: GatewayUrlArg,
}

/// Remove what is kept, without sending it
///
/// Of which groups is said by `--job` and `--group`, or by `--all`. Each file removed is printed to
/// stdout.
#[derive(Debug, Args)]
pub(crate) struct SpoolDropArgs {
    /// Only what is kept of groups of this job; `*` and `?` are wildcards
    #[arg(short, long, value_name = "GLOB")]
    pub(crate) job: Option<String>,

    /// Only what is kept of groups with this label; may be repeated
    #[arg(short, long, value_name = "NAME=GLOB")]
    pub(crate) group: Vec<String>,

    /// Everything, also what is damaged
    #[arg(long, conflicts_with_all = ["job", "group"])]
    pub(crate) all: bool,

    /// Print what would be removed, and remove nothing
    #[arg(short = 'n', long)]
    pub(crate) dry_run: bool,

    #[command(flatten)]
    pub(crate) spool: SpoolDirArg,
}
