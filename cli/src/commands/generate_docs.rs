//! `prompush generate-docs`: prints a page of the reference documentation.

use crate::args::{DocsPage, GenerateDocsArgs};
use crate::error::CliError;
use crate::output::terminal::write_stdout;
use crate::reference;

pub(crate) fn run(args: &GenerateDocsArgs) -> Result<(), CliError> {
    let page = match args.page {
        DocsPage::Cli => reference::cli::page(),
        DocsPage::Metrics => reference::metrics::page()?,
    };
    write_stdout(|stdout| stdout.write_all(page.as_bytes()))
}
