//! Hints: the advice that the command line prints below an error.

use std::io;

use prompush::{ConfigError, OptionNames, PushError, ReplayError};
use prompush_core::GroupingKeyError;
use prompush_otlp::receiver::ReceiverError;

use crate::error::cli_error::CliError;

impl CliError {
    /// The advice for the user; `None` if there is none.
    pub(crate) fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Push(error) | Self::Replay(ReplayError::Push(error)) => return push_hint(error),
            Self::Spool(error) | Self::Replay(ReplayError::Spool(error)) => {
                return error.hint().map(|hint| hint.to_string());
            }
            Self::NoSpool => "give the directory with `--spool DIR`",
            Self::NoSelection => {
                "select files with `--job` or `--group`, or remove all files with `--all`"
            }
            Self::Access { source: ConfigError::File { source: Some(error), .. }, .. }
            | Self::Input { source: error, .. } => match error.kind() {
                io::ErrorKind::NotFound => {
                    "check the path: a relative path starts in the current folder"
                }
                io::ErrorKind::PermissionDenied => {
                    "the user who runs this command needs the permission to read the file"
                }
                _ => return None,
            },
            Self::Access { source: ConfigError::HeaderLine { .. }, .. } => {
                "write one header on each line, such as `X-Scope-OrgID: team-a`; a line with `#` is a comment"
            }
            Self::AccessIncomplete { missing, .. } => return Some(missing_hint(missing)),
            Self::NoGroup { hint, .. } => return hint.clone(),
            Self::NotText { hint, .. } => hint,
            Self::InputTooLarge { .. } => "raise the limit with `--input-bytes-max`",
            Self::DuplicateFamily { .. } => {
                "all samples of a metric family must be in one file: merge the files, or push them to two groups"
            }
            Self::Empty { replaces: true } => {
                "a push without metrics empties the group: use `--allow-empty` to do that, or delete the group with \
                 `prompush delete`"
            }
            Self::Empty { replaces: false } => "use `--allow-empty` to push without metrics",
            Self::Listen { source, .. } => listen_hint(source),
            Self::Receiver(ReceiverError::Listen { source, .. }) => otlp_listen_hint(source),
            Self::Persistence(_) => {
                "remove the flag, or leave its value empty: `--persistence.file=`"
            }
            Self::GroupingKey(GroupingKeyError::ReservedLabel(_)) => {
                "choose another name for the label"
            }
            Self::GroupingKey(_) => "an example of a group: `--job backup --group instance=db1`",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

/// The names of a gateway's options in hints: the flags of the command line.
const OPTION_NAMES: OptionNames = OptionNames {
    timeouts: "`--timeout`",
    total_timeout: "`--timeout`",
    gzip: "`--gzip`",
    credentials: "`--user` and `--password-file`, `--bearer-token-file`, `--header-file`",
    ca_file: "`--ca-file`",
    client_files: "`--cert-file` and `--key-file`",
};

fn push_hint(error: &PushError) -> Option<String> {
    let hint = error.hint().map(|hint| hint.to_text(&OPTION_NAMES));
    let spool_hint = match (error.spooled_in(), error.spool_error()) {
        (Some(dir), _) => {
            Some(format!("`prompush spool flush --spool {}` sends the stored push", dir.display()))
        }
        (_, Some(error)) => error.hint().map(|hint| hint.to_string()),
        _ => None,
    };
    let hints: Vec<String> = hint.into_iter().chain(spool_hint).collect();
    (!hints.is_empty()).then(|| hints.join("; "))
}

fn missing_hint(missing: &str) -> String {
    match missing {
        "--user" => "a password needs a user: give `--user NAME`, or set `PROMPUSH_USER`",
        "--password-file" => {
            "give a file with the password, or set `PROMPUSH_PASSWORD_FILE` or `PROMPUSH_PASSWORD`: every user of \
             the machine could read a password on the command line"
        }
        "--key-file" => "a client certificate needs its key; one file may hold both",
        _ => "a key needs its client certificate; one file may hold both",
    }
    .to_owned()
}

fn otlp_listen_hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "another program uses the port, perhaps another bridge, and a machine needs only one: stop the other \
             program, or choose another port with `--listen`, and set `OTLP_ENDPOINT` for gptme to that port"
        }
        io::ErrorKind::PermissionDenied => {
            "a port below 1024 needs privileges: choose another port with `--listen`"
        }
        io::ErrorKind::AddrNotAvailable => "no network interface of this machine has this address",
        _ => "write the address as `host:port`, such as `127.0.0.1:4318`",
    }
}

fn listen_hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            "another program uses the port, perhaps another gateway: stop that program, or choose another address \
             with `--web.listen-address`, such as `127.0.0.1:9092`"
        }
        io::ErrorKind::PermissionDenied => {
            "a port below 1024 needs privileges: choose another port with `--web.listen-address`"
        }
        io::ErrorKind::AddrNotAvailable => "no network interface of this machine has this address",
        _ => "write the address as `host:port`, or as `:port` for all network interfaces",
    }
}
