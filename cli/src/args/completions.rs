//! `prompush completions`.

use clap::Args;

/// Print the completion script for a shell
///
/// For example: `prompush completions bash > ~/.local/share/bash-completion/completions/prompush`.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// Shell that the script is for
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}
