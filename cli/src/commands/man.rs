//! `prompush man`: prints a manual page, made from the definitions of the command line.

use clap::Command;
use clap_mangen::Man;

use crate::args::{ManArgs, public_command};
use crate::error::CliError;
use crate::output::terminal::write_stdout;

pub(crate) fn run(args: &ManArgs) -> Result<(), CliError> {
    let mut command = public_command();
    command.build();
    let page = match &args.command {
        None => command,
        Some(name) => subcommand(&command, name)?,
    };
    write_stdout(|stdout| Man::new(page).render(stdout))
}

fn subcommand(command: &Command, name: &str) -> Result<Command, CliError> {
    if let Some(found) = command.find_subcommand(name) {
        let page = format!("{}-{name}", command.get_name());
        return Ok(found.clone().display_name(page).version(env!("CARGO_PKG_VERSION")));
    }
    let (argument, value) = ("COMMAND", name.to_owned());
    Err(CliError::Argument { argument, value, expected: "a command of prompush" })
}
