//! The exit code of each error.

use std::io;

use crate::error::cli_error::CliError;

/// Done.
pub(crate) const EXIT_DONE: u8 = 0;
/// Refused or invalid.
const EXIT_REFUSED: u8 = 1;
/// The command line or the environment makes no sense.
const EXIT_USAGE: u8 = 2;
/// There is such a command, but it cannot be run; as shells say it.
const EXIT_NOT_EXECUTABLE: u8 = 126;
/// There is no such command; as shells say it.
const EXIT_NOT_FOUND: u8 = 127;
/// The gateway cannot be reached, or is still unavailable when retries are used up (`EX_UNAVAILABLE`).
const EXIT_UNAVAILABLE: u8 = 69;

impl CliError {
    /// The process's exit code.
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
            // As a shell says it of a process that a signal ended.
            Self::Interrupted { signal } => {
                128_u8.saturating_add(u8::try_from(*signal).unwrap_or(0))
            }
            _ => EXIT_REFUSED,
        }
    }
}
