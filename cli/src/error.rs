//! Every way in which a command ends otherwise than well.

use std::error::Error as _;
use std::io;

use prompush::{ConfigError, PushError, ReplayError, SpoolError};
use prompush_core::{EncodeError, GroupingKeyError};
use prompush_gateway::GatewayError;
use prompush_gptme::EnvironmentError;
use prompush_otlp::RulesError;
use prompush_otlp::receiver::ReceiverError;

use crate::words::count;

/// Done.
pub(crate) const EXIT_DONE: u8 = 0;
/// Refused or invalid.
pub(crate) const EXIT_REFUSED: u8 = 1;
/// The command line or the environment makes no sense.
pub(crate) const EXIT_USAGE: u8 = 2;
/// There is such a command, but it cannot be run; as shells say it.
pub(crate) const EXIT_NOT_EXECUTABLE: u8 = 126;
/// There is no such command; as shells say it.
pub(crate) const EXIT_NOT_FOUND: u8 = 127;
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
    AccessTwice {
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
    NothingChosen,
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
    NotRun {
        /// The command, without its arguments.
        program: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
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
            | Self::Access { .. }
            | Self::AccessIncomplete { .. }
            | Self::AccessTwice { .. }
            | Self::Gateway(_)
            | Self::GroupingKey(_)
            | Self::TelemetryEnvironment(_)
            | Self::NoSpool
            | Self::NothingChosen
            | Self::Persistence(_) => EXIT_USAGE,
            error if error.is_unavailable() => EXIT_UNAVAILABLE,
            Self::NotRun { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                EXIT_NOT_FOUND
            }
            Self::NotRun { .. } => EXIT_NOT_EXECUTABLE,
            // As a shell says it of a process that a signal ended.
            Self::Interrupted { signal } => {
                128_u8.saturating_add(u8::try_from(*signal).unwrap_or(0))
            }
            _ => EXIT_REFUSED,
        }
    }

    /// Whether it is the environment that is wrong, and not the command line.
    pub(crate) fn is_of_the_environment(&self) -> bool {
        match self {
            Self::Environment { .. } | Self::AccessTwice { .. } => true,
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

    /// It and its causes, in one line.
    pub(crate) fn in_full(&self) -> String {
        let mut words = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            words.push_str(": ");
            words.push_str(&error.to_string());
            cause = error.source();
        }
        words
    }

    /// What to do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Push(error) | Self::Replay(ReplayError::Push(error)) => return push_hint(error),
            Self::Spool(error) | Self::Replay(ReplayError::Spool(error)) => error.hint()?,
            Self::NoSpool => "name the directory: `--spool DIR`",
            Self::NothingChosen => {
                "name them with `--job` or `--group`, or drop everything with `--all`"
            }
            Self::Access { source: ConfigError::File { source: Some(error), .. }, .. }
            | Self::Input { source: error, .. } => match error.kind() {
                io::ErrorKind::NotFound => {
                    "is the path right? It begins at the folder that the command runs in"
                }
                io::ErrorKind::PermissionDenied => {
                    "the user that runs this command has to be allowed to read it"
                }
                _ => return None,
            },
            Self::Access { source: ConfigError::HeaderLine { .. }, .. } => {
                "each line is a header, such as `X-Scope-OrgID: team-a`, or begins with `#`"
            }
            Self::AccessIncomplete { missing, .. } => return Some(missing_hint(missing)),
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
            Self::Receiver(ReceiverError::Listen { source, .. }) => otlp_listen_hint(source),
            Self::Persistence(_) => "leave the flag out, or give it empty: `--persistence.file=`",
            Self::GroupingKey(GroupingKeyError::ReservedLabel(_)) => "give the label another name",
            Self::GroupingKey(_) => "a group is named as in `--job backup --group instance=db1`",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

/// What the library calls its options, and what they are called here.
const OPTION_NAMES: [(&str, &str); 6] = [
    ("`attempt_timeout` and `total_timeout`", "`--timeout`"),
    ("`total_timeout`", "`--timeout`"),
    ("`gzip`", "`--gzip`"),
    ("`Credentials`", "`--user` and `--password-file`, `--bearer-token-file`, `--header-file`"),
    ("`Tls::ca_file`", "`--ca-file`"),
    ("`Tls::client_files`", "`--cert-file` and `--key-file`"),
];

fn push_hint(error: &PushError) -> Option<String> {
    let hint = error.hint().map(|hint| in_our_words(&hint));
    let of_spool = match (error.spooled_in(), error.spool_error()) {
        (Some(dir), _) => {
            Some(format!("`prompush spool flush --spool {}` sends what is kept", dir.display()))
        }
        (_, Some(error)) => error.hint().map(str::to_owned),
        _ => None,
    };
    let hints: Vec<String> = hint.into_iter().chain(of_spool).collect();
    (!hints.is_empty()).then(|| hints.join("; "))
}

/// A hint of the library, with the names of the command line.
fn in_our_words(hint: &str) -> String {
    OPTION_NAMES.iter().fold(hint.to_owned(), |hint, (theirs, ours)| hint.replace(theirs, ours))
}

fn missing_hint(missing: &str) -> String {
    match missing {
        "--user" => "a password belongs to a user: `--user NAME`, or `PROMPUSH_USER`",
        "--password-file" => {
            "the password comes from a file, or from `PROMPUSH_PASSWORD_FILE` or `PROMPUSH_PASSWORD`: \
             on the command line every user of the machine could read it"
        }
        "--key-file" => "a client certificate is proved by its key; one file may hold both",
        _ => "a key belongs to a client certificate; one file may hold both",
    }
    .to_owned()
}

fn counted(errors: usize, warnings: usize) -> String {
    let errors = count(errors, "error", "errors");
    match warnings {
        0 => errors,
        warnings => format!("{errors} and {}", count(warnings, "warning", "warnings")),
    }
}

fn otlp_listen_hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "one bridge is enough for a machine: stop the other program, or take another port with `--listen` and \
             name it to gptme with `OTLP_ENDPOINT`"
        }
        io::ErrorKind::PermissionDenied => {
            "ports below 1024 need privileges: take another with `--listen`"
        }
        io::ErrorKind::AddrNotAvailable => "no network interface of this machine has that address",
        _ => "an address is written as `host:port`, such as `127.0.0.1:4318`",
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
