//! `prompush man`.

use clap::Args;

/// Print a manual page
///
/// For example: `prompush man push | man -l -`.
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Command to print the page of; without it, the page of `prompush` itself
    #[arg(value_name = "COMMAND")]
    pub(crate) command: Option<String>,
}
