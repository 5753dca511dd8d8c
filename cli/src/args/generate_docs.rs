//! `prompush generate-docs`.

use clap::{Args, ValueEnum};

/// Print a page of the reference documentation, as Markdown
#[derive(Debug, Args)]
pub(crate) struct GenerateDocsArgs {
    /// Page to print
    #[arg(value_enum, value_name = "PAGE")]
    pub(crate) page: DocsPage,
}

/// A page that is generated from the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DocsPage {
    /// Commands, flags, environment variables and exit codes: `docs/cli.md`
    Cli,
    /// The metrics of prompush itself: `docs/metrics.md`
    Metrics,
}
