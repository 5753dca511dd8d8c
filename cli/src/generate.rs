//! `prompush completions` and `prompush man`: from the same definitions as the command line itself.

use clap::{Command, CommandFactory as _};
use clap_mangen::Man;

use crate::args::{Cli, CompletionsArgs, ManArgs};
use crate::error::CliError;
use crate::terminal::write_stdout;

pub(crate) fn completions(args: &CompletionsArgs) -> Result<(), CliError> {
    let mut command = visible_command();
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, name, &mut script);
    write_stdout(|stdout| stdout.write_all(&script))
}

pub(crate) fn man(args: &ManArgs) -> Result<(), CliError> {
    let mut command = visible_command();
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

/// The command line without what is not for people: completions would offer it.
fn visible_command() -> Command {
    let full = Cli::command();
    let visible: Vec<Command> =
        full.get_subcommands().filter(|command| !command.is_hide_set()).cloned().collect();
    let bare = Command::new("prompush").version(env!("CARGO_PKG_VERSION"));
    let about = full.get_about().cloned().unwrap_or_default();
    let long_about = full.get_long_about().cloned().unwrap_or_default();
    bare.about(about).long_about(long_about).subcommand_required(true).subcommands(visible)
}
