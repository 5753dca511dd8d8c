//! The exit code of each error.

use std::io;

use crate::error::cli_error::CliError;

/// The command succeeded.
pub(crate) const EXIT_DONE: u8 = 0;
/// The gateway refused the request, or the input is invalid.
const EXIT_REFUSED: u8 = 1;
/// The command line or an environment variable is wrong.
const EXIT_USAGE: u8 = 2;
/// `run`: the command exists and cannot be executed. Shells use the same code.
const EXIT_NOT_EXECUTABLE: u8 = 126;
/// `run`: the command was not found. Shells use the same code.
const EXIT_NOT_FOUND: u8 = 127;
/// The gateway cannot be reached, or is still unavailable after all retries (`EX_UNAVAILABLE`).
const EXIT_UNAVAILABLE: u8 = 69;

/// Every exit code with its meaning, for the documentation.
pub(crate) const EXIT_CODES: [(&str, &str); 8] = [
    ("0", "the command did what it was asked to do"),
    ("1", "the gateway refused the request, the input is invalid, or `check` found an error"),
    ("2", "the command line or an environment variable is wrong"),
    ("69", "the gateway cannot be reached, or is still unavailable after all retries"),
    ("126", "`run`: the command exists and cannot be executed"),
    ("127", "`run`: the command was not found"),
    ("130, 143", "SIGINT or SIGTERM ended the command"),
    (
        "any",
        "`run` ends with the exit code of the command, or by the signal that ended the command",
    ),
];

impl CliError {
    /// The exit code of the process.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::BrokenPipe => EXIT_DONE,
            Self::Argument { .. }
            | Self::Environment { .. }
            | Self::Access { .. }
            | Self::AccessIncomplete { .. }
            | Self::ConflictingAccess { .. }
            | Self::Gateway(_)
            | Self::GroupingKey(_)
            | Self::TelemetryEnvironment(_)
            | Self::NoSpool
            | Self::NoSelection
            | Self::Persistence(_) => EXIT_USAGE,
            error if error.is_unavailable() => EXIT_UNAVAILABLE,
            Self::CommandNotRun { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                EXIT_NOT_FOUND
            }
            Self::CommandNotRun { .. } => EXIT_NOT_EXECUTABLE,
            // A shell shows the same code for a process that a signal ended.
            Self::Interrupted { signal } => {
                128_u8.saturating_add(u8::try_from(*signal).unwrap_or(0))
            }
            _ => EXIT_REFUSED,
        }
    }
}
