//! The command line of prompush: arguments, environment, output, exit codes and signals.
//!
//! A command reads its arguments, calls the library crates, and prints the result: data to stdout,
//! messages to stderr. Metrics, pushes and gateways are the business of the library crates.
#![forbid(unsafe_code)]

mod commands;

mod args;
mod resolve;

mod environment;

mod body;
mod bridge;
mod local_gateway;
mod plural;
mod process_status;
mod reference;
mod run;
mod signals;

mod error;
mod output;

use std::process::ExitCode;

use clap::Parser as _;

use crate::args::{Cli, Command};
use crate::error::{CliError, EXIT_DONE};

fn main() -> ExitCode {
    if let Some(code) = run::supervise::run_hidden_command() {
        return code;
    }
    // clap ends the process with exit code 2 if the command line is wrong.
    let cli = run::supervise::arguments_before_reexec().map_or_else(Cli::parse, Cli::parse_from);
    let done = match cli.command {
        Command::Run(args) => match commands::run::run(&args) {
            Ok(ended) => return ended,
            Err(error) => Err(error),
        },
        Command::Push(args) => commands::push::run(&args),
        Command::List(args) => commands::list::run(&args),
        Command::Delete(args) => commands::delete::run(&args),
        Command::Check(args) => commands::check::run(&args),
        Command::Gc(args) => commands::gc::run(&args),
        Command::Bridge(args) => commands::bridge::run(args),
        Command::Spool(args) => commands::spool::run(&args),
        Command::Gateway(args) => commands::gateway::run(args),
        Command::Demo(args) => commands::demo::run(&args),
        Command::Completions(args) => commands::completions::run(&args),
        Command::Man(args) => commands::man::run(&args),
        Command::GenerateDocs(args) => commands::generate_docs::run(&args),
        Command::DemoWorker(args) => commands::demo::worker::run(&args),
    };
    match done {
        Ok(()) | Err(CliError::BrokenPipe) => ExitCode::from(EXIT_DONE),
        Err(error) => {
            output::terminal::print_error(&error);
            ExitCode::from(error.exit_code())
        }
    }
}
