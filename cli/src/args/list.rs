//! `prompush list`.

use clap::Args;

use crate::args::gateway_url::GatewayUrlArg;

/// List the groups that a gateway holds
///
/// Prints a table with one line for each group, sorted by job and then by the other labels. The
/// columns are: job, other labels, number of metric families, number of series (a histogram or a
/// summary counts as one), age of the last push, age of the last failed push, and state.
///
/// `--json` prints an array of objects:
///   labels                object of strings: the whole grouping key, with `job`
///   families, series      numbers
///   last_push             seconds since 1970; null if no push has succeeded yet
///   last_push_age_seconds number; null if no push has succeeded yet
///   last_failure          seconds since 1970; null if no push has failed
///   last_push_successful  boolean
/// Later versions may add fields, and will remove none.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct ListArgs {
    /// List only groups of this job; `*` and `?` are wildcards
    #[arg(short, long, value_name = "GLOB")]
    pub(crate) job: Option<String>,

    /// List only groups with this label; may be repeated
    ///
    /// `*` and `?` in the value are wildcards. A group without the label never matches, not even
    /// `*`.
    #[arg(short, long, value_name = "NAME=GLOB")]
    pub(crate) group: Vec<String>,

    /// Print JSON instead of a table
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) gateway: GatewayUrlArg,
}
