//! `prompush man`.

use clap::Args;

/// Print a manual page
///
/// For example `prompush man push | man -l -`.
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// The command whose page it is; without it, the page of `prompush` itself
    #[arg(value_name = "COMMAND")]
    pub(crate) command: Option<String>,
}
