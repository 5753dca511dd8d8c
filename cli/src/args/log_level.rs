//! Which log messages are shown.

use clap::ValueEnum;

/// How important a message has to be for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogLevel {
    Debug,
    Info,
    Warn,
    Error,
}
