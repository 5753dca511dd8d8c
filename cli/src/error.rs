//! Every way in which a command ends otherwise than well.

use std::io;

use prompush::{ConfigError, PushError, PushErrorKind};
use prompush_core::{EncodeError, GroupingKeyError};
use prompush_gateway::GatewayError;

use crate::words::count;

/// Done.
pub(crate) const EXIT_DONE: u8 = 0;
/// Refused or invalid.
pub(crate) const EXIT_REFUSED: u8 = 1;
/// The command line or the environment makes no sense.
pub(crate) const EXIT_USAGE: u8 = 2;
/// The gateway cannot be reached, or is still unavailable when retries are used up (`EX_UNAVAILABLE`).
pub(crate) const EXIT_UNAVAILABLE: u8 = 69;

/// Why a command did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum CliError {
    /// An argument that clap takes and that means nothing here.
    #[error("cannot use `{value}` as `{argument}`: expected {expected}")]
    Argument {
        /// The argument as it is written.
        argument: &'static str,
        /// What was given.
        value: String,
        /// What was expected instead.
        expected: &'static str,
    },
    /// An environment variable whose value means nothing.
    #[error("environment variable `{name}` has the value `{value}`: expected {expected}")]
    Environment {
        /// The variable's name.
        name: &'static str,
        /// Its value, credentials shown as `***`.
        value: String,
        /// What was expected instead.
        expected: &'static str,
    },
    /// `--gateway` cannot be used.
    #[error(transparent)]
    Gateway(ConfigError),
    /// `--job` and `--group` make no grouping key.
    #[error("cannot use `--job` and `--group` as a grouping key")]
    GroupingKey(#[source] GroupingKeyError),
    /// A file or stdin cannot be read.
    #[error("cannot read `{name}`")]
    Input {
        /// The file, or `stdin`.
        name: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The input is larger than `--input-bytes-max`.
    #[error("cannot read `{name}`: the input has more than {bytes_max} bytes")]
    InputTooLarge {
        /// The file where the limit was reached.
        name: String,
        /// The limit.
        bytes_max: usize,
    },
    /// The input is no text.
    #[error("cannot read `{name}`: it is {what}, not text")]
    NotText {
        /// The file, or `stdin`.
        name: String,
        /// What it seems to be.
        what: &'static str,
        /// What to do.
        hint: &'static str,
    },
    /// A metric family is in two files.
    #[error("metric family `{family}` is in `{first}` and in `{second}`")]
    FamilyTwice {
        /// The family.
        family: String,
        /// The file that has it first.
        first: String,
        /// The file that has it again.
        second: String,
    },
    /// The input would be refused; the diagnostics are printed already.
    #[error("nothing was pushed: {}", count(*errors, "error in the input", "errors in the input"))]
    Invalid {
        /// How many diagnostics there were.
        errors: usize,
    },
    /// The families cannot be written as one body.
    #[error("cannot write the body")]
    Encode(#[source] EncodeError),
    /// `check` found errors; the diagnostics are printed already.
    #[error("{} in the input", counted(*errors, *warnings))]
    Checked {
        /// How many errors.
        errors: usize,
        /// How many warnings.
        warnings: usize,
    },
    /// No metric in the input.
    #[error("nothing was pushed: there is no metric in the input")]
    Empty {
        /// Whether the group would have been emptied.
        replaces: bool,
    },
    /// The gateway could not be asked, or refused.
    #[error(transparent)]
    Push(#[from] PushError),
    /// No group to delete.
    #[error("no group matches {key}: nothing was deleted")]
    NoGroup {
        /// What was asked for.
        key: String,
        /// What to do.
        hint: Option<String>,
    },
    /// The gateway did not start, or ended.
    #[error("cannot run the gateway")]
    Server(#[source] GatewayError),
    /// An address of the gateway cannot be listened on.
    #[error("cannot listen on `{address}`")]
    Listen {
        /// The address as it was given.
        address: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// `--persistence.file` names a file.
    #[error("cannot keep metrics in `{0}`: this gateway is in memory for now")]
    Persistence(String),
    /// stdout cannot be written to, for another reason than a closed pipe.
    #[error("cannot write to stdout")]
    Stdout(#[source] io::Error),
    /// Signals cannot be waited for, or a thread not started.
    #[error("cannot {0}")]
    System(&'static str, #[source] io::Error),
    /// The reader of stdout has gone: not an error, but the end.
    #[error("stdout was closed")]
    BrokenPipe,
    /// The demo did not show what it is to show.
    #[error("{0}")]
    Demo(String),
    /// Ended by a signal, which was handled.
    #[error("interrupted")]
    Interrupted {
        /// The signal's number.
        signal: i32,
    },
}

impl CliError {
    /// The process's exit code.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::BrokenPipe => EXIT_DONE,
            Self::Argument { .. }
            | Self::Environment { .. }
            | Self::Gateway(_)
            | Self::GroupingKey(_)
            | Self::Persistence(_) => EXIT_USAGE,
            Self::Push(error) if error.kind().is_retryable() => EXIT_UNAVAILABLE,
            // As a shell says it of a process that a signal ended.
            Self::Interrupted { signal } => {
                128_u8.saturating_add(u8::try_from(*signal).unwrap_or(0))
            }
            _ => EXIT_REFUSED,
        }
    }

    /// What to do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        let hint = match self {
            // The library speaks of its own options.
            Self::Push(error) if error.kind() == PushErrorKind::Timeout => {
                "a gateway with thousands of groups takes seconds for a push: delete groups that are done with, or \
                 allow more with `--timeout`"
            }
            Self::Push(error) => return error.hint(),
            Self::NoGroup { hint, .. } => return hint.clone(),
            Self::NotText { hint, .. } => hint,
            Self::InputTooLarge { .. } => "allow more with `--input-bytes-max`",
            Self::FamilyTwice { .. } => {
                "a family's samples stand in one block: merge the files, or push them to two groups"
            }
            Self::Empty { replaces: true } => {
                "pushing nothing would empty the group: to delete it use `prompush delete`, to empty it \
                 `--allow-empty`"
            }
            Self::Empty { replaces: false } => "to add nothing on purpose use `--allow-empty`",
            Self::Listen { source, .. } => listen_hint(source),
            Self::Persistence(_) => "leave the flag out, or give it empty: `--persistence.file=`",
            Self::GroupingKey(_) => "a group is named as in `--job backup --group instance=db1`",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

fn counted(errors: usize, warnings: usize) -> String {
    let errors = count(errors, "error", "errors");
    match warnings {
        0 => errors,
        warnings => format!("{errors} and {}", count(warnings, "warning", "warnings")),
    }
}

fn listen_hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "another program listens there, perhaps another gateway: stop it, or take another address \
             with `--web.listen-address`, such as `127.0.0.1:9092`"
        }
        io::ErrorKind::PermissionDenied => {
            "ports below 1024 need privileges: take another with `--web.listen-address`"
        }
        io::ErrorKind::AddrNotAvailable => "no network interface of this machine has that address",
        _ => "an address is written as `host:port`, or `:port` for all interfaces",
    }
}
