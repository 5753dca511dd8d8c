//! The error of a command.

use std::io;

use prompush::{ConfigError, PushError, ReplayError, SpoolError};
use prompush_core::{EncodeError, GroupingKeyError};
use prompush_gateway::GatewayError;
use prompush_gptme::EnvironmentError;
use prompush_otlp::RulesError;
use prompush_otlp::receiver::ReceiverError;

use crate::plural::count;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum CliError {
    /// The value of an argument cannot be used, although it can be parsed.
    #[error("cannot use `{value}` as `{argument}`: expected {expected}")]
    Argument {
        /// The argument, as on the command line.
        argument: &'static str,
        /// The value of the argument.
        value: String,
        /// The kind of value that was expected instead.
        expected: &'static str,
    },
    /// The value of an environment variable cannot be used.
    #[error("environment variable `{name}` has the value `{value}`: expected {expected}")]
    Environment {
        /// The name of the variable.
        name: &'static str,
        /// The value of the variable, with `***` for credentials.
        value: String,
        /// The kind of value that was expected instead.
        expected: &'static str,
    },
    /// The file or the value of an access flag or variable cannot be used.
    #[error("cannot use the value of `{given_by}`")]
    Access {
        /// The argument or environment variable.
        given_by: &'static str,
        /// Why it cannot be used.
        source: ConfigError,
    },
    /// An access flag or variable needs another one, which is missing.
    #[error("`{given}` is given without `{missing}`")]
    AccessIncomplete {
        /// The argument or environment variable that is given.
        given: &'static str,
        /// The argument that is missing.
        missing: &'static str,
    },
    /// Two environment variables are set, and only one of them can be used.
    #[error("the environment variables `{first}` and `{second}` are both set: expected only one")]
    ConflictingAccess {
        /// One of them.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
    /// The URL or the configuration of the gateway cannot be used.
    #[error(transparent)]
    Gateway(ConfigError),
    /// `--job` and `--group` do not make a valid grouping key.
    #[error("cannot use `--job` and `--group` as a grouping key")]
    GroupingKey(#[source] GroupingKeyError),
    /// A file or stdin cannot be read.
    #[error("cannot read `{name}`")]
    Input {
        /// The file, or `stdin`.
        name: String,
        /// The error of the system.
        #[source]
        source: io::Error,
    },
    /// The input is larger than `--input-bytes-max`.
    #[error("cannot read `{name}`: the input is larger than {bytes_max} bytes")]
    InputTooLarge {
        /// The file in which the limit was reached.
        name: String,
        /// The limit in bytes.
        bytes_max: usize,
    },
    /// The input is not text.
    #[error("cannot read `{name}`: it is {what}, not text")]
    NotText {
        /// The file, or `stdin`.
        name: String,
        /// The kind of data that it seems to be.
        what: &'static str,
        /// The advice for the user.
        hint: &'static str,
    },
    /// Two files have the same metric family.
    #[error("metric family `{family}` is in `{first}` and also in `{second}`")]
    DuplicateFamily {
        /// The name of the family.
        family: String,
        /// The first file with it.
        first: String,
        /// The second file that has this metric family.
        second: String,
    },
    /// A gateway would refuse the input. The diagnostics were printed before.
    #[error("nothing was pushed: {}", count(*errors, "error in the input", "errors in the input"))]
    Invalid {
        /// The number of errors.
        errors: usize,
    },
    /// The metric families cannot be encoded.
    #[error("cannot write the request body")]
    Encode(#[source] EncodeError),
    /// `check` found errors. The diagnostics were printed before.
    #[error("{} in the input", counted(*errors, *warnings))]
    CheckFailed {
        /// The number of errors.
        errors: usize,
        /// The number of warnings.
        warnings: usize,
    },
    /// The input has no metric.
    #[error("nothing was pushed: the input has no metric")]
    Empty {
        /// Whether the push would have emptied the group.
        replaces: bool,
    },
    /// The gateway could not be reached, or refused the request.
    #[error(transparent)]
    Push(#[from] PushError),
    /// The spool cannot be read or written.
    #[error(transparent)]
    Spool(SpoolError),
    /// A file of the spool could not be sent.
    #[error(transparent)]
    Replay(ReplayError),
    /// The command needs a spool, and no directory is given.
    #[error(
        "no spool directory is given: neither `--spool` nor the environment variable `PROMPUSH_SPOOL` is set"
    )]
    NoSpool,
    /// No group matches the arguments of `delete`.
    #[error("no group matches {key}: nothing was deleted")]
    NoGroup {
        /// The labels that were searched for.
        key: String,
        /// The advice for the user.
        hint: Option<String>,
    },
    /// `spool drop` without a selection.
    #[error("no file is selected: nothing was removed")]
    NoSelection,
    /// The gateway could not start, or ended with an error.
    #[error("cannot run the gateway")]
    Server(#[source] GatewayError),
    /// The gateway cannot listen on an address.
    #[error("cannot listen on `{address}`")]
    Listen {
        /// The address, as on the command line.
        address: String,
        /// The error of the system.
        #[source]
        source: io::Error,
    },
    /// The OTLP receiver or a scraper cannot be started.
    #[error(transparent)]
    Receiver(ReceiverError),
    /// The value of a telemetry variable of gptme cannot be used.
    #[error(transparent)]
    TelemetryEnvironment(EnvironmentError),
    /// The file of `--rules` holds an invalid rule.
    #[error("cannot use the rules in `{name}`")]
    Rules {
        /// The file.
        name: String,
        /// The place and the reason.
        #[source]
        source: RulesError,
    },
    /// `--persistence.file` names a file.
    #[error("cannot store metrics in `{0}`: this gateway keeps metrics only in memory")]
    Persistence(String),
    /// stdout cannot be written to. A closed pipe is [`BrokenPipe`](Self::BrokenPipe) instead.
    #[error("cannot write to stdout")]
    Stdout(#[source] io::Error),
    /// A call of the operating system failed: to start a thread, to wait for signals and the like.
    #[error("cannot {0}")]
    System(&'static str, #[source] io::Error),
    /// The reader of stdout has closed it. This ends the command and is no error.
    #[error("stdout was closed")]
    BrokenPipe,
    /// The command of `run` cannot be executed.
    #[error("cannot run `{program}`")]
    CommandNotRun {
        /// The command, without its arguments.
        program: String,
        /// The error of the system.
        #[source]
        source: io::Error,
    },
    /// The demo did not go as planned. The text says why.
    #[error("{0}")]
    Demo(String),
    /// A page of the documentation cannot be written, because a part of prompush does not start.
    #[error("cannot gather the metrics of prompush")]
    Documentation(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A signal ended the command.
    #[error("interrupted")]
    Interrupted {
        /// The number of the signal.
        signal: i32,
    },
}

impl CliError {
    /// Whether the cause is an environment variable and not the command line.
    pub(crate) fn is_of_the_environment(&self) -> bool {
        match self {
            Self::Environment { .. } | Self::ConflictingAccess { .. } => true,
            Self::Access { given_by: given, .. } | Self::AccessIncomplete { given, .. } => {
                !given.starts_with("--")
            }
            _ => false,
        }
    }

    /// Whether the same command may succeed later: the gateway was unreachable, too slow or overloaded.
    pub(crate) fn is_unavailable(&self) -> bool {
        match self {
            Self::Push(error) | Self::Replay(ReplayError::Push(error)) => {
                error.kind().is_retryable()
            }
            _ => false,
        }
    }
}

fn counted(errors: usize, warnings: usize) -> String {
    let errors = count(errors, "error", "errors");
    match warnings {
        0 => errors,
        warnings => format!("{errors} and {}", count(warnings, "warning", "warnings")),
    }
}
