//! Every way in which a command ends otherwise than well, with its exit code and what to do about it.

mod cli_error;
mod exit_code;
mod hint;

pub(crate) use cli_error::CliError;
pub(crate) use exit_code::{EXIT_CODES, EXIT_DONE};
