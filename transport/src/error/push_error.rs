//! What can go wrong, in words and in kinds to decide by.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use prompush_core::decode_path;

use crate::error::cause::Cause;
use crate::error::hint;
use crate::error::kind::PushErrorKind;
use crate::error::redacted_url::RedactedUrl;
use crate::error::spool::SpoolError;
use crate::error::verb::Verb;

/// Most URLs that an error names beside its own.
const OTHERS_SHOWN_MAX: usize = 3;

/// A push, add, delete or question to a gateway that failed.
///
/// [`kind`](Self::kind) to decide by, `Display` and `source` to read, [`hint`](Self::hint) for what
/// to do about it. No credentials are in any of them.
#[derive(Clone, Debug, thiserror::Error)]
#[error(
    "{}: {kind}{}{}{}",
    self.operation(), self.attempts_made(), self.spool_outcome(), self.other_failures()
)]
pub struct PushError {
    pub(crate) verb: Verb,
    /// Metric families in the body; `None` where none had been gathered yet.
    pub(crate) families: Option<u32>,
    pub(crate) url: RedactedUrl,
    pub(crate) kind: PushErrorKind,
    pub(crate) attempts: u32,
    /// Seconds for which the gateway asked to be left alone after the last attempt.
    pub(crate) retry_after_seconds: Option<u32>,
    /// Whether the body was sent compressed; `None` where there was no body.
    pub(crate) gzip: Option<bool>,
    #[source]
    pub(crate) cause: Option<Cause>,
    pub(crate) aside: Option<Arc<ErrorDetails>>,
}

/// What else there is to say of a failure.
#[derive(Clone, Debug, Default)]
pub(crate) struct ErrorDetails {
    /// What failed with it, in the same flush or shutdown.
    others: Vec<PushError>,
    /// The spool that keeps the state, or why it does not.
    spooled: Option<Result<PathBuf, Arc<SpoolError>>>,
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

    /// What failed together with it: of a flush or a shutdown of several groups or gateways, the
    /// errors after the first, one for each group and gateway.
    pub fn others(&self) -> &[Self] {
        self.aside.as_deref().map_or(&[], |aside| &aside.others)
    }

    /// The first of several errors, with the others in it; `None` where there are none.
    pub(crate) fn first_of(errors: Vec<Self>) -> Option<Self> {
        let mut errors = errors.into_iter();
        let mut first = errors.next()?;
        let others: Vec<Self> = errors.collect();
        if !others.is_empty() {
            let spooled = first.aside.and_then(|aside| aside.spooled.clone());
            first.aside = Some(Arc::new(ErrorDetails { others, spooled }));
        }
        Some(first)
    }

    /// The spool in which the state is kept for a later run, where one is set and could be written.
    pub fn spooled_in(&self) -> Option<&Path> {
        self.aside.as_ref()?.spooled.as_ref()?.as_deref().ok()
    }

    /// Why the state could not be kept in the spool that is set.
    pub fn spool_error(&self) -> Option<&SpoolError> {
        self.aside.as_ref()?.spooled.as_ref()?.as_ref().err().map(Arc::as_ref)
    }

    /// Says whether the state is in a spool.
    pub(crate) fn with_spooled(mut self, spooled: Result<PathBuf, Arc<SpoolError>>) -> Self {
        let others = self.others().to_vec();
        self.aside = Some(Arc::new(ErrorDetails { others, spooled: Some(spooled) }));
        self
    }

    /// How long the gateway asked to be left alone, by `Retry-After` in its last answer, cut at
    /// [`retry_after_max`](crate::GatewayConfig#structfield.retry_after_max).
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after_seconds.map(|seconds| Duration::from_secs(seconds.into()))
    }

    /// The words of the gateway's answer, cut at
    /// [`answer_text_bytes_max`](crate::GatewayConfig#structfield.answer_text_bytes_max), control characters
    /// escaped. `None` where it said nothing.
    pub fn answer_text(&self) -> Option<&str> {
        match &self.cause {
            Some(Cause::Said(answer_text)) => Some(answer_text.text()),
            _ => None,
        }
    }

    /// What to do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        let (location, connect_failure) = match &self.cause {
            Some(Cause::Location(location)) => (Some(location.as_str()), None),
            Some(Cause::Known(connect_failure, _)) => (None, Some(*connect_failure)),
            _ => (None, None),
        };
        hint::hint(&hint::Context {
            verb: self.verb,
            kind: self.kind,
            url: &self.url.to_string(),
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

    /// `{job="a/b"} at ` where the URL says it in a form that people cannot read.
    fn encoded_group(&self) -> String {
        let url = self.url.to_string();
        let path = url.rsplit_once("/metrics/job").map(|(_, path)| format!("/job{path}"));
        let encoded = path.filter(|path| path.contains('%') || path.contains("@base64"));
        let Some(labels) = encoded.and_then(|path| decode_path(&path).ok()) else {
            return String::new();
        };
        let job = labels.get_key_value("job");
        let others = labels.iter().filter(|(name, _)| *name != "job");
        let pairs: Vec<String> = job
            .into_iter()
            .chain(others)
            .map(|(name, value)| format!("{name}=\"{}\"", value.escape_debug()))
            .collect();
        format!("{{{}}} at ", pairs.join(","))
    }

    /// Names where else it failed, a few by their URLs.
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
        let retry_after = self
            .retry_after()
            .map(|retry_after| format!("it asks to be left alone for {retry_after:?}"));
        let notes: Vec<String> = attempts.into_iter().chain(retry_after).collect();
        if notes.is_empty() { String::new() } else { format!(" ({})", notes.join("; ")) }
    }
}

/// An error with its causes, in one line, for the log.
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
        let url = HttpUrl::parse("http://u:p@gw:9091").unwrap().redacted("/metrics/job/backup");
        PushError {
            verb,
            families,
            url,
            kind,
            attempts,
            retry_after_seconds: None,
            gzip: None,
            cause: None,
            aside: None,
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
            PushError { url, ..error(verb, None, PushErrorKind::Timeout, 1) }.to_string()
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
