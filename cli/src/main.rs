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

mod bridge;
mod check;
mod delete;
mod demo;
mod gc;
mod generate;
mod list;
mod push;
mod run;
mod serve;
mod signals;
mod spool;

mod diagnostic;
mod escape;
mod logger;
mod table;
mod terminal;
mod words;

mod duration;
mod error;

use std::process::ExitCode;

use clap::Parser as _;

use crate::args::{Cli, Command};
use crate::error::{CliError, EXIT_DONE};

fn main() -> ExitCode {
    if let Some(code) = run::become_if_told() {
        return code;
    }
    // A wrong command line ends here, with exit code 2.
    let cli = run::handed_over().map_or_else(Cli::parse, Cli::parse_from);
    let done = match cli.command {
        Command::Run(args) => match run::run(&args) {
            Ok(ended) => return ended,
            Err(error) => Err(error),
        },
        Command::Push(args) => push::run(&args),
        Command::List(args) => list::run(&args),
        Command::Delete(args) => delete::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Gc(args) => gc::run(&args),
        Command::Bridge(args) => bridge::run(args),
        Command::Spool(args) => spool::run(&args),
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
