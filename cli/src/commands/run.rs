//! `prompush run`: runs a command, and pushes the outcome.

use std::process::ExitCode;

use prompush_gptme::is_gptme;

use crate::args::RunArgs;
use crate::error::CliError;
use crate::run::destination::Destination;
use crate::run::group_template::GroupTemplate;
use crate::run::job::Job;
use crate::run::supervise::{Supervisor, hide_arguments};

/// Runs the command. Returns its exit code, or ends this process by the signal that ended the command.
///
/// # Errors
/// [`CliError`] if the command line is wrong. The command was not started then.
pub(crate) fn run(args: &RunArgs) -> Result<ExitCode, CliError> {
    let is_gptme = is_gptme(&args.command);
    if is_gptme {
        hide_arguments(&args.command);
    }
    let group = GroupTemplate::new(args, is_gptme)?;
    let destination = Destination::resolve(args)?;
    let supervisor = Supervisor::prepare()?;
    let exit = Job { args, is_gptme, group, supervisor: &supervisor }.run(destination)?;
    // Every value is dropped by now, so a signal may end this process here.
    Ok(exit.end_process())
}
