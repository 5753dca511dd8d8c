//! The errors of the commands, with their exit codes and their hints.

mod cli_error;
mod exit_code;
mod hint;

pub(crate) use cli_error::CliError;
pub(crate) use exit_code::{EXIT_CODES, EXIT_DONE};
