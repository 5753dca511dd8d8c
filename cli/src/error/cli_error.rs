//! Every way in which a command ends otherwise than well.

use std::io;

use prompush::{ConfigError, PushError, ReplayError, SpoolError};
use prompush_core::{EncodeError, GroupingKeyError};
use prompush_gateway::GatewayError;
use prompush_gptme::EnvironmentError;
use prompush_otlp::RulesError;
use prompush_otlp::receiver::ReceiverError;

use crate::output::plural::count;

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
    /// A file or secret of the access to the gateway cannot be used.
    #[error("cannot use what `{given_by}` gives")]
    Access {
        /// The argument or environment variable.
        given_by: &'static str,
        /// What is wrong with it.
        source: ConfigError,
    },
    /// A part of the access to the gateway has no use without another.
    #[error("`{given}` is given, and `{missing}` is not")]
    AccessIncomplete {
        /// The argument or environment variable that is there.
        given: &'static str,
        /// The argument that is not.
        missing: &'static str,
    },
    /// Two environment variables that mean the same.
    #[error("environment variables `{first}` and `{second}` are both set: expected one of them")]
    ConflictingAccess {
        /// One of them.
        first: &'static str,
        /// The other.
        second: &'static str,
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
    DuplicateFamily {
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
    CheckFailed {
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
    /// The spool cannot be read or written.
    #[error(transparent)]
    Spool(SpoolError),
    /// What is kept in the spool was not sent.
    #[error(transparent)]
    Replay(ReplayError),
    /// No spool is named.
    #[error(
        "no spool is named: neither by `--spool` nor by the environment variable `PROMPUSH_SPOOL`"
    )]
    NoSpool,
    /// No group to delete.
    #[error("no group matches {key}: nothing was deleted")]
    NoGroup {
        /// What was asked for.
        key: String,
        /// What to do.
        hint: Option<String>,
    },
    /// `spool drop` without a word on what.
    #[error("nothing says which groups to drop")]
    NoSelection,
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
    /// The receiver of OTLP, or a reader of metrics, cannot be started.
    #[error(transparent)]
    Receiver(ReceiverError),
    /// A variable of gptme's telemetry means nothing.
    #[error(transparent)]
    TelemetryEnvironment(EnvironmentError),
    /// `--rules` names a file with something else in it than rules.
    #[error("cannot use the rules in `{name}`")]
    Rules {
        /// The file.
        name: String,
        /// Where it is wrong.
        #[source]
        source: RulesError,
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
    /// The command of `run` was not started.
    #[error("cannot run `{program}`")]
    CommandNotRun {
        /// The command, without its arguments.
        program: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The demo did not show what it is to show.
    #[error("{0}")]
    Demo(String),
    /// A page of the documentation cannot be written, because a part of prompush does not start.
    #[error("cannot gather the metrics of prompush")]
    Documentation(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Ended by a signal, which was handled.
    #[error("interrupted")]
    Interrupted {
        /// The signal's number.
        signal: i32,
    },
}

impl CliError {
    /// Whether it is the environment that is wrong, and not the command line.
    pub(crate) fn is_of_the_environment(&self) -> bool {
        match self {
            Self::Environment { .. } | Self::ConflictingAccess { .. } => true,
            Self::Access { given_by: given, .. } | Self::AccessIncomplete { given, .. } => {
                !given.starts_with("--")
            }
            _ => false,
        }
    }

    /// Whether the same may succeed later, because the gateway was unreachable, late or busy.
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
