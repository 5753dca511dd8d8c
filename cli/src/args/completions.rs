//! `prompush completions`.

use clap::Args;

/// Print the completions of a shell
///
/// For example `prompush completions bash > ~/.local/share/bash-completion/completions/prompush`.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}
