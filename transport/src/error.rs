//! What can go wrong, in words and in kinds to decide by.

use std::error::Error;
use std::fmt;
use std::io;
use std::sync::Arc;

use prompush_core::{Format, GroupingKeyError};

use crate::hint;
use crate::reason::Reason;
use crate::url::RedactedUrl;

/// What was asked of the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Verb {
    /// `PUT`: replaces the group.
    Push,
    /// `POST`: replaces the families of the same name in the group.
    Add,
    /// `DELETE`: removes the group.
    Delete,
    /// `GET /api/v1/metrics`: lists the groups.
    List,
    /// `GET /metrics`: reads what the gateway exposes.
    Scrape,
    /// `GET /-/ready`: whether the gateway takes pushes.
    Ready,
}

/// A push, add, delete or question to a gateway that failed.
///
/// [`kind`](Self::kind) to decide by, `Display` and `source` to read, [`hint`](Self::hint) for what
/// to do about it. No credentials are in any of them.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}: {kind}{}", self.operation(), self.attempts_made())]
pub struct PushError {
    pub(crate) verb: Verb,
    /// Metric families in the body; `None` where none had been gathered yet.
    pub(crate) families: Option<usize>,
    pub(crate) url: RedactedUrl,
    pub(crate) kind: PushErrorKind,
    pub(crate) attempts: u32,
    #[source]
    pub(crate) cause: Option<Cause>,
}

/// Why it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum PushErrorKind {
    /// The gateway answered with this status, and would answer the same again: not retried.
    #[error("gateway answered {0}")]
    Refused(u16),
    /// The gateway answered 408, 425, 429 or 5xx, and still did when retries were used up.
    #[error("gateway answered {0}")]
    Unavailable(u16),
    /// The gateway answered with a redirect, which is never followed: a followed `PUT` becomes a
    /// `GET` and reports success.
    #[error("gateway answered {0}, a redirect, and those are not followed")]
    Redirected(u16),
    /// A connection was made, but no whole answer came in time.
    #[error("no answer in time")]
    Timeout,
    /// No connection was made: name unknown, refused, or not in time.
    #[error("gateway cannot be reached")]
    Unreachable,
    /// The connection was closed without a whole answer.
    #[error("gateway closed the connection without a whole answer")]
    Dropped,
    /// The TLS handshake failed: not retried.
    #[error("no secure connection can be made")]
    Tls,
    /// Something answered that is not a Pushgateway: not retried.
    #[error("the answer is not one of a Pushgateway")]
    NotAGateway,
    /// The body or the answer is larger than its limit: not retried.
    #[error("too large")]
    TooLarge,
    /// The metrics could not be gathered and encoded: nothing was sent.
    #[error("the metrics cannot be encoded")]
    Encode,
    /// The pusher's thread has ended: nothing was sent.
    #[error("the pusher has ended")]
    Stopped,
    /// The pusher was started before a `fork`, and its thread is in the other process.
    #[error("the pusher's thread is in the process that forked this one")]
    Forked,
}

impl PushErrorKind {
    /// Whether the same request may succeed later: the gateway was unreachable, late or busy.
    ///
    /// The command line ends with 69 for these and with 1 for the others.
    pub fn is_retryable(self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Timeout | Self::Unreachable | Self::Dropped)
    }

    /// The status the gateway answered with, where it answered.
    pub fn status(self) -> Option<u16> {
        match self {
            Self::Refused(status) | Self::Unavailable(status) | Self::Redirected(status) => {
                Some(status)
            }
            _ => None,
        }
    }
}

impl PushError {
    /// Why it failed.
    pub fn kind(&self) -> PushErrorKind {
        self.kind
    }

    /// What was asked of the gateway.
    pub fn verb(&self) -> Verb {
        self.verb
    }

    /// Where it was asked, without credentials.
    pub fn url(&self) -> &RedactedUrl {
        &self.url
    }

    /// How many attempts were made; 0 when nothing was sent.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// The words of the gateway's answer, cut at
    /// [`reason_bytes_max`](crate::GatewayConfig#structfield.reason_bytes_max), control characters
    /// escaped. `None` where it said nothing.
    pub fn reason(&self) -> Option<&str> {
        match &self.cause {
            Some(Cause::Said(reason)) => Some(reason.words()),
            _ => None,
        }
    }

    /// What to do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        let location = match &self.cause {
            Some(Cause::Location(location)) => Some(location.as_str()),
            _ => None,
        };
        // Only a push can be one that a gateway drops instead of refusing it.
        let is_push = matches!(self.verb, Verb::Push | Verb::Add);
        if self.kind == PushErrorKind::Dropped && !is_push {
            return Some("is it a Pushgateway that listens there?".to_owned());
        }
        hint::hint(self.kind, self.reason().unwrap_or_default(), location)
    }

    fn operation(&self) -> String {
        let Self { verb, families, url, .. } = self;
        let metrics = match families {
            None => "metrics".to_owned(),
            Some(1) => "1 metric family".to_owned(),
            Some(families) => format!("{families} metric families"),
        };
        match verb {
            Verb::Push => format!("cannot push {metrics} to `{url}`"),
            Verb::Add => format!("cannot add {metrics} to `{url}`"),
            Verb::Delete => format!("cannot delete the group at `{url}`"),
            Verb::List => format!("cannot list the groups at `{url}`"),
            Verb::Scrape => format!("cannot read the metrics at `{url}`"),
            Verb::Ready => format!("cannot tell from `{url}` that the gateway is ready"),
        }
    }

    fn attempts_made(&self) -> String {
        if self.attempts > 1 { format!(" ({} attempts)", self.attempts) } else { String::new() }
    }
}

/// The deeper cause of a [`PushError`]. It can be cloned, because several callers may wait for the
/// same push.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Cause {
    /// What the gateway's answer said.
    #[error("{0}")]
    Said(Reason),
    /// Where a redirect points to.
    #[error("it points to `{0}`")]
    Location(String),
    /// Our own words.
    #[error("{0}")]
    Text(String),
    /// What another library says.
    #[error(transparent)]
    Other(Arc<dyn Error + Send + Sync>),
}

impl Cause {
    pub(crate) fn text(words: impl fmt::Display) -> Self {
        Self::Text(words.to_string())
    }

    pub(crate) fn other(error: impl Error + Send + Sync + 'static) -> Self {
        Self::Other(Arc::new(error))
    }
}

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
        value: std::time::Duration,
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
    /// The system did not start the pusher's thread.
    #[error("cannot start the pusher's thread")]
    Thread {
        /// What the system said.
        source: io::Error,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::url::HttpUrl;

    fn error(verb: Verb, families: Option<usize>, kind: PushErrorKind, attempts: u32) -> PushError {
        let url = HttpUrl::parse("http://u:p@gw:9091").unwrap().redacted("/metrics/job/backup");
        PushError { verb, families, url, kind, attempts, cause: None }
    }

    #[test]
    fn messages() {
        use PushErrorKind as Kind;
        for (error, expected) in [
            (
                error(Verb::Push, Some(12), Kind::Refused(400), 1),
                "cannot push 12 metric families to `http://***@gw:9091/metrics/job/backup`: gateway answered 400",
            ),
            (
                error(Verb::Add, Some(1), Kind::Unavailable(503), 7),
                "cannot add 1 metric family to `http://***@gw:9091/metrics/job/backup`: gateway answered 503 (7 attempts)",
            ),
            (
                error(Verb::Push, None, Kind::Timeout, 0),
                "cannot push metrics to `http://***@gw:9091/metrics/job/backup`: no answer in time",
            ),
            (
                error(Verb::Delete, None, Kind::Unreachable, 1),
                "cannot delete the group at `http://***@gw:9091/metrics/job/backup`: gateway cannot be reached",
            ),
        ] {
            assert_eq!(error.to_string(), expected);
        }
    }

    #[test]
    fn errors_cross_threads_and_stay_small() {
        fn shared<T: Send + Sync + 'static>() {}
        shared::<PushError>();
        shared::<ConfigError>();
        assert!(size_of::<PushError>() <= 128, "{}", size_of::<PushError>());
    }
}
