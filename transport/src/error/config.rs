//! Errors of options: a gateway, an outbox or a pusher cannot be set up.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use prompush_core::{Format, GroupingKeyError};

use crate::error::spool::SpoolError;

/// Why a gateway, an outbox or a pusher cannot be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The gateway's URL cannot be used.
    #[error("cannot use `{value}` as the gateway's URL: expected {expected}")]
    Url {
        /// The given URL, credentials shown as `***`.
        value: String,
        /// The kind of value that was expected.
        expected: &'static str,
    },
    /// A file with a secret, headers, certificates or a key cannot be used.
    #[error("cannot use `{}`: expected {expected}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The kind of value that was expected.
        expected: &'static str,
        /// The error of the system, if the file could not be read.
        source: Option<io::Error>,
    },
    /// Credentials or headers cannot be used. The error does not show them.
    #[error("cannot use the credentials: expected {expected}")]
    Credentials {
        /// The kind of value that was expected.
        expected: &'static str,
    },
    /// A line is not a header. The error does not show the line.
    #[error("cannot use line {line} of {} as a header: expected {expected}", shown(path.as_deref()))]
    HeaderLine {
        /// The file; `None` for headers that were given as text.
        path: Option<PathBuf>,
        /// The number of the line, from 1.
        line: usize,
        /// The kind of value that was expected.
        expected: &'static str,
    },
    /// The key does not belong to the client certificate.
    #[error(
        "cannot use `{}` as the key of the certificate in `{}`: expected {expected}",
        key.display(), certificate.display()
    )]
    ClientCertificate {
        /// The file with the certificate.
        certificate: PathBuf,
        /// The file with the key.
        key: PathBuf,
        /// The kind of value that was expected.
        expected: &'static str,
    },
    /// The job, a grouping label or its value cannot be used.
    #[error("cannot use the grouping key")]
    GroupingKey {
        /// The reason.
        source: GroupingKeyError,
    },
    /// An option is out of range.
    #[error("cannot use {value:?} as `{option}`: expected {expected}")]
    Option {
        /// The name of the option.
        option: &'static str,
        /// The given value.
        value: Duration,
        /// The kind of value that was expected.
        expected: &'static str,
    },
    /// No gateway reads this format.
    #[error("cannot push in the format {format:?}: gateways read Text and Protobuf")]
    Format {
        /// The given value.
        format: Format,
    },
    /// The pusher's metrics about itself cannot be registered.
    #[error("cannot register `{metric}`")]
    Metric {
        /// The name of the metric.
        metric: &'static str,
        /// The reason.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The spool cannot be used.
    #[error("cannot use the spool")]
    Spool {
        /// The reason.
        source: SpoolError,
    },
    /// No gateway was given.
    #[error("no gateway is given")]
    NoGateway,
    /// The system did not start the thread of the pusher or outbox.
    #[error("cannot start the pusher's thread")]
    Thread {
        /// The error of the system.
        source: io::Error,
    },
}

fn shown(path: Option<&Path>) -> String {
    path.map_or_else(|| "the headers".to_owned(), |path| format!("`{}`", path.display()))
}
