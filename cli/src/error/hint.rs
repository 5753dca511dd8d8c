//! What to do about an error.

use std::io;

use prompush::{ConfigError, PushError, ReplayError};
use prompush_core::GroupingKeyError;
use prompush_otlp::receiver::ReceiverError;

use crate::error::cli_error::CliError;

impl CliError {
    /// What to do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Push(error) | Self::Replay(ReplayError::Push(error)) => return push_hint(error),
            Self::Spool(error) | Self::Replay(ReplayError::Spool(error)) => error.hint()?,
            Self::NoSpool => "name the directory: `--spool DIR`",
            Self::NoSelection => {
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
            Self::DuplicateFamily { .. } => {
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
