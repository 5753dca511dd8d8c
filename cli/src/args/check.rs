//! `prompush check`.

use clap::Args;

use crate::args::body::BodyArgs;

/// Check metrics without a gateway
///
/// Shows everything in the input that a gateway would refuse or suffer from, with line, column, the
/// text and a caret, and warns of what is legal but seldom meant. The exit code is 1 if there is any
/// error; warnings do not count.
///
/// With `--job` and `--group` the input is checked as a push to that group.
///
/// `--json` prints an object: `errors` and `warnings` (numbers), and `diagnostics`, an array of
/// objects with `severity` (`error` or `warning`), `file`, `line` and `column` (from 1, in
/// characters; null where unknown), `width`, `message`, `text` (the line) and `hint` (or null).
/// Fields may be added, none will be taken away.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Job of the group to check against
    #[arg(short, long)]
    pub(crate) job: Option<String>,

    /// Label of the group to check against; may be repeated
    #[arg(short, long, value_name = "NAME=VALUE", requires = "job")]
    pub(crate) group: Vec<String>,

    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) body: BodyArgs,
}
