//! An operation on a gateway that failed.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::error::cause::Cause;
use crate::error::diagnosis::{self, FailedOperation};
use crate::error::hint::Hint;
use crate::error::kind::PushErrorKind;
use crate::error::redacted_url::RedactedUrl;
use crate::error::spool::SpoolError;
use crate::error::verb::Verb;
use crate::group_key::AnyGroupingKey;

/// How many other failed URLs an error shows.
const OTHERS_SHOWN_MAX: usize = 3;

/// An operation on a gateway that failed: a push, an add, a delete or a question.
///
/// A program decides by [`kind`](Self::kind). `Display` and `source` are for people, and
/// [`hint`](Self::hint) advises what to do. None of them shows credentials.
#[derive(Clone, Debug, thiserror::Error)]
#[error(
    "{}: {kind}{}{}{}",
    self.operation(), self.attempts_made(), self.spool_outcome(), self.other_failures()
)]
pub struct PushError {
    pub(crate) verb: Verb,
    /// The group of the operation; `None` where it was about the whole gateway.
    pub(crate) key: Option<AnyGroupingKey>,
    /// The number of metric families in the body; `None` where none had been gathered yet.
    pub(crate) families: Option<u32>,
    pub(crate) url: RedactedUrl,
    pub(crate) kind: PushErrorKind,
    pub(crate) attempts: u32,
    /// How long the gateway asked the client to stay away after the last attempt, in seconds.
    pub(crate) retry_after_seconds: Option<u32>,
    /// Whether the body was sent compressed; `None` where there was no body.
    pub(crate) gzip: Option<bool>,
    #[source]
    pub(crate) cause: Option<Cause>,
    /// Rarely used fields, kept apart so that the error stays small.
    pub(crate) details: Option<Arc<ErrorDetails>>,
}

/// The rarely used part of a [`PushError`].
#[derive(Clone, Debug, Default)]
pub(crate) struct ErrorDetails {
    /// The other failures of the same flush or shutdown.
    others: Vec<PushError>,
    /// The directory of the spool that keeps the state, or why the state could not be kept; `None`
    /// where no spool is set.
    spooled: Option<Result<PathBuf, Arc<SpoolError>>>,
}

impl PushError {
    /// Why the operation failed.
    pub fn kind(&self) -> PushErrorKind {
        self.kind
    }

    /// The operation.
    pub fn verb(&self) -> Verb {
        self.verb
    }

    /// The group that was pushed, added to or deleted; `None` for an operation on the whole gateway.
    pub fn group(&self) -> Option<&AnyGroupingKey> {
        self.key.as_ref()
    }

    /// The URL of the request, credentials shown as `***`.
    pub fn url(&self) -> &RedactedUrl {
        &self.url
    }

    /// The number of attempts; 0 when nothing was sent.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// The other failures of the same flush or shutdown, one for each group and gateway.
    pub fn others(&self) -> &[Self] {
        self.details.as_deref().map_or(&[], |details| &details.others)
    }

    /// Puts all errors but the first into the first; `None` when there is no error.
    pub(crate) fn first_of(errors: Vec<Self>) -> Option<Self> {
        let mut errors = errors.into_iter();
        let mut first = errors.next()?;
        let others: Vec<Self> = errors.collect();
        if !others.is_empty() {
            let spooled = first.details.and_then(|details| details.spooled.clone());
            first.details = Some(Arc::new(ErrorDetails { others, spooled }));
        }
        Some(first)
    }

    /// The directory of the spool that keeps the state for a later run; `None` when no spool is set or
    /// the state could not be written to it.
    pub fn spooled_in(&self) -> Option<&Path> {
        self.details.as_ref()?.spooled.as_ref()?.as_deref().ok()
    }

    /// Why the state could not be written to the spool; `None` when no spool is set or the state is in
    /// it.
    pub fn spool_error(&self) -> Option<&SpoolError> {
        self.details.as_ref()?.spooled.as_ref()?.as_ref().err().map(Arc::as_ref)
    }

    /// Records whether the state is in the spool.
    pub(crate) fn with_spooled(mut self, spooled: Result<PathBuf, Arc<SpoolError>>) -> Self {
        let others = self.others().to_vec();
        self.details = Some(Arc::new(ErrorDetails { others, spooled: Some(spooled) }));
        self
    }

    /// How long the gateway's last answer asked the client to stay away (`Retry-After`), cut to
    /// [`retry_after_max`](crate::GatewayConfig#structfield.retry_after_max).
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after_seconds.map(|seconds| Duration::from_secs(seconds.into()))
    }

    /// The error text of the gateway, in one line; `None` when the gateway sent none.
    ///
    /// The text is cut to
    /// [`answer_text_bytes_max`](crate::GatewayConfig#structfield.answer_text_bytes_max), and control
    /// characters in it are escaped.
    pub fn answer_text(&self) -> Option<&str> {
        match &self.cause {
            Some(Cause::Answer(answer)) => Some(answer.text()),
            _ => None,
        }
    }

    /// The advice about the error; `None` where that is not known.
    pub fn hint(&self) -> Option<Hint> {
        let (location, connect_failure) = match &self.cause {
            Some(Cause::Location(location)) => (Some(location.as_str()), None),
            Some(Cause::Connect(connect_failure, _)) => (None, Some(*connect_failure)),
            _ => (None, None),
        };
        diagnosis::hint(&FailedOperation {
            verb: self.verb,
            kind: self.kind,
            url: &self.url,
            answer_text: self.answer_text().unwrap_or_default(),
            location,
            connect_failure,
            retry_after: self.retry_after(),
            gzip: self.gzip,
        })
    }

    fn operation(&self) -> String {
        let Self { verb, families, url, .. } = self;
        let metrics = match families {
            None => "metrics".to_owned(),
            Some(1) => "1 metric family".to_owned(),
            Some(families) => format!("{families} metric families"),
        };
        let group = self.encoded_group();
        match verb {
            Verb::Push => format!("cannot push {metrics} to {group}`{url}`"),
            Verb::Add => format!("cannot add {metrics} to {group}`{url}`"),
            Verb::Delete if !group.is_empty() => format!("cannot delete {group}`{url}`"),
            Verb::Delete => format!("cannot delete the group at `{url}`"),
            Verb::List => format!("cannot list the groups at `{url}`"),
            Verb::Scrape => format!("cannot read the metrics at `{url}`"),
            Verb::Ready => format!("cannot tell from `{url}` that the gateway is ready"),
        }
    }

    /// Returns `{job="a/b"} at ` when the URL shows the group in a form that people cannot read.
    fn encoded_group(&self) -> String {
        let encoded = self.key.as_ref().filter(|key| key.is_path_encoded());
        encoded.map_or_else(String::new, |key| format!("{key} at "))
    }

    /// Names the URLs of the other failures, up to [`OTHERS_SHOWN_MAX`].
    fn other_failures(&self) -> String {
        let others = self.others();
        let named: Vec<String> =
            others.iter().take(OTHERS_SHOWN_MAX).map(|other| format!("`{}`", other.url)).collect();
        match others.len() - named.len() {
            _ if named.is_empty() => String::new(),
            0 => format!("; failed as well: {}", named.join(", ")),
            more => format!("; failed as well: {} and {more} more", named.join(", ")),
        }
    }

    fn spool_outcome(&self) -> String {
        match (self.spooled_in(), self.spool_error()) {
            (Some(dir), _) => format!("; kept in the spool `{}`", dir.display()),
            (_, Some(error)) => {
                let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
                format!("; and not kept in the spool: {error}{cause}")
            }
            _ => String::new(),
        }
    }

    fn attempts_made(&self) -> String {
        let attempts = (self.attempts > 1).then(|| format!("{} attempts", self.attempts));
        let pause =
            self.retry_after().map(|time| format!("the gateway asks for a pause of {time:?}"));
        let notes: Vec<String> = attempts.into_iter().chain(pause).collect();
        if notes.is_empty() { String::new() } else { format!(" ({})", notes.join("; ")) }
    }
}

/// Writes an error and its causes in one line, for the log.
pub(crate) fn with_causes(error: &PushError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::config::ConfigError;
    use crate::http::url::HttpUrl;

    fn error(verb: Verb, families: Option<u32>, kind: PushErrorKind, attempts: u32) -> PushError {
        let key = AnyGroupingKey::from_path("/metrics/job/backup").unwrap();
        let url = HttpUrl::parse("http://u:p@gw:9091").unwrap().redacted(key.path());
        PushError {
            verb,
            key: Some(key),
            families,
            url,
            kind,
            attempts,
            retry_after_seconds: None,
            gzip: None,
            cause: None,
            details: None,
        }
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
    fn a_group_whose_url_is_encoded_is_shown_in_plain_words_too() {
        let at = |verb, path: &str| {
            let url = HttpUrl::parse("http://gw/metrics").unwrap().redacted(path);
            let key = Some(AnyGroupingKey::from_path(path).unwrap());
            PushError { key, url, ..error(verb, None, PushErrorKind::Timeout, 1) }.to_string()
        };
        assert_eq!(
            at(Verb::Push, "/metrics/job@base64/YS9i/path@base64/Lw/n/a%20%1Bb"),
            "cannot push metrics to {job=\"a/b\",n=\"a \\u{1b}b\",path=\"/\"} at \
             `http://gw/metrics/metrics/job@base64/YS9i/path@base64/Lw/n/a%20%1Bb`: no answer in time",
        );
        assert!(
            at(Verb::Delete, "/metrics/job/a%20b").starts_with("cannot delete {job=\"a b\"} at")
        );
        assert!(at(Verb::Add, "/metrics/job/a").contains("to `http"));
    }

    #[test]
    fn errors_cross_threads_and_stay_small() {
        fn shared<T: Send + Sync + 'static>() {}
        shared::<PushError>();
        shared::<ConfigError>();
        assert!(size_of::<PushError>() <= 128, "{}", size_of::<PushError>());
    }
}
