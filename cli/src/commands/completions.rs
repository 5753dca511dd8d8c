//! `prompush completions`: prints a completion script, made from the definitions of the command line.

use crate::args::{CompletionsArgs, public_command};
use crate::error::CliError;
use crate::output::terminal::write_stdout;

pub(crate) fn run(args: &CompletionsArgs) -> Result<(), CliError> {
    let mut command = public_command();
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, name, &mut script);
    write_stdout(|stdout| stdout.write_all(&script))
}
