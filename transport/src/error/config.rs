//! What cannot be set up.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use prompush_core::{Format, GroupingKeyError};

use crate::error::spool::SpoolError;

/// A gateway or pusher that cannot be set up as asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The gateway's URL cannot be used.
    #[error("cannot use `{value}` as the gateway's URL: expected {expected}")]
    Url {
        /// What was given, credentials shown as `***`.
        value: String,
        /// What was expected instead.
        expected: &'static str,
    },
    /// A file of a secret, of headers, of certificates or of a key cannot be used.
    #[error("cannot use `{}`: expected {expected}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What was expected of it.
        expected: &'static str,
        /// What the system said, when it could not be read.
        source: Option<io::Error>,
    },
    /// Credentials or headers cannot be used. They are not shown.
    #[error("cannot use the credentials: expected {expected}")]
    Credentials {
        /// What was expected of them.
        expected: &'static str,
    },
    /// A line of headers is none. It is not shown.
    #[error("cannot use line {line} of {} as a header: expected {expected}", shown(path.as_deref()))]
    HeaderLine {
        /// The file; `None` for headers that came as text.
        path: Option<PathBuf>,
        /// The number of the line, from 1.
        line: usize,
        /// What was expected of it.
        expected: &'static str,
    },
    /// The client certificate and the key are of no use to each other.
    #[error(
        "cannot use `{}` as the key of the certificate in `{}`: expected {expected}",
        key.display(), certificate.display()
    )]
    ClientCertificate {
        /// The file with the certificate.
        certificate: PathBuf,
        /// The file with the key.
        key: PathBuf,
        /// What was expected of them.
        expected: &'static str,
    },
    /// The job, a grouping label or its value cannot be used.
    #[error("cannot use the grouping key")]
    GroupingKey {
        /// What is wrong with it.
        source: GroupingKeyError,
    },
    /// An option of the pusher is out of range.
    #[error("cannot use {value:?} as `{option}`: expected {expected}")]
    Option {
        /// Name of the option.
        option: &'static str,
        /// What was given.
        value: Duration,
        /// What was expected instead.
        expected: &'static str,
    },
    /// A format that no gateway reads.
    #[error("cannot push in the format {format:?}: gateways read Text and Protobuf")]
    Format {
        /// What was given.
        format: Format,
    },
    /// The pusher's own metrics clash with those of the source.
    #[error("cannot register `{metric}`")]
    Metric {
        /// Name of the metric.
        metric: &'static str,
        /// What is wrong with it.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The spool cannot be used.
    #[error("cannot use the spool")]
    Spool {
        /// Why not.
        source: SpoolError,
    },
    /// There is no gateway to push to.
    #[error("no gateway is given")]
    NoGateway,
    /// The system did not start the pusher's thread.
    #[error("cannot start the pusher's thread")]
    Thread {
        /// What the system said.
        source: io::Error,
    },
}

fn shown(path: Option<&Path>) -> String {
    path.map_or_else(|| "the headers".to_owned(), |path| format!("`{}`", path.display()))
}
