//! `prompush check`.

use clap::Args;

use crate::args::body::BodyArgs;

/// Check metrics without a gateway
///
/// Shows an error for everything that a gateway would refuse or that would break its scrapes, and a
/// warning for everything that is allowed but rarely intended. Each is shown with its line and
/// column. The exit code is 1 if there is an error, and 0 if there are only warnings.
///
/// With `--job` and `--group`, the input is checked as a push to this group.
///
/// `--json` prints an object: `errors` and `warnings` (numbers), and `diagnostics`, an array of
/// objects. Each object has `severity` (`error` or `warning`), `file`, `line` and `column` (the
/// first is 1, columns count characters, null where unknown), `width` (in characters), `message`,
/// `text` (the line) and `hint` (or null). Later versions may add fields, and will remove none.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Job of a group: check the input as a push to that group
    #[arg(short, long)]
    pub(crate) job: Option<String>,

    /// Label of that group, such as `instance=db1`; may be repeated
    #[arg(short, long, value_name = "NAME=VALUE", requires = "job")]
    pub(crate) group: Vec<String>,

    /// Print JSON instead of text
    #[arg(long)]
    pub(crate) json: bool,

    #[command(flatten)]
    pub(crate) body: BodyArgs,
}
