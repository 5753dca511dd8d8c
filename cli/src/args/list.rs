//! `prompush list`.

use clap::Args;

use crate::args::gateway_url::GatewayUrlArg;

/// List the groups that a gateway holds
///
/// Prints a table of the groups, sorted by their labels: job, other labels, families, series
/// (a histogram or summary counts as one), age of the last push, and whether the last push failed.
///
/// `--json` prints an array of objects:
///   labels                object of strings: the whole grouping key, `job` among them
///   families, series      numbers
///   last_push             seconds since 1970, or null when no push succeeded yet
///   last_push_age_seconds number, or null
///   last_failure          seconds since 1970, or null when no push failed
///   last_push_successful  boolean
/// Fields may be added, none will be taken away.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct ListArgs {
    /// Only groups of this job; `*` and `?` are wildcards
    #[arg(short, long, value_name = "GLOB")]
    pub(crate) job: Option<String>,

    /// Only groups with this label; may be repeated
    ///
    /// `*` and `?` in the value are wildcards. A group without the label does not match, whatever
    /// the value.
    #[arg(short, long, value_name = "NAME=GLOB")]
    pub(crate) group: Vec<String>,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) gateway: GatewayUrlArg,
}
