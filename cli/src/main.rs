//! The command line of prompush: arguments, environment, output, exit codes and signals.
//!
//! What is worth knowing about a metric, a push or a gateway is in the library crates; here it is
//! wired together and shown. stdout is data, stderr is words.
#![forbid(unsafe_code)]

mod args;
mod resolve;

mod analysis;
mod input;
mod lint;

mod check;
mod delete;
mod demo;
mod generate;
mod list;
mod push;
mod serve;
mod signals;

mod diagnostic;
mod escape;
mod logger;
mod table;
mod terminal;
mod words;

mod duration;
mod error;
mod glob;

use std::process::ExitCode;

use clap::Parser as _;

use crate::args::{Cli, Command};
use crate::error::{CliError, EXIT_DONE};

fn main() -> ExitCode {
    // A wrong command line ends here, with exit code 2.
    let cli = Cli::parse();
    let done = match cli.command {
        Command::Push(args) => push::run(&args),
        Command::List(args) => list::run(&args),
        Command::Delete(args) => delete::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Gateway(args) => serve::run(args),
        Command::Demo(args) => demo::run(&args),
        Command::Completions(args) => generate::completions(&args),
        Command::Man(args) => generate::man(&args),
        Command::DemoWorker(args) => demo::worker::run(&args),
    };
    match done {
        Ok(()) | Err(CliError::BrokenPipe) => ExitCode::from(EXIT_DONE),
        Err(error) => {
            terminal::show_error(&error);
            ExitCode::from(error.exit_code())
        }
    }
}
