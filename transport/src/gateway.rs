//! One push, add, delete or question on the caller's thread.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use prompush_core::{Encoder, GroupingKey, Source, encode_path};

use crate::body::EncodedBody;
use crate::clock::{Clock, SystemClock};
use crate::config::GatewayConfig;
use crate::error::{Cause, ConfigError, PushError, PushErrorKind, Verb};
use crate::groups::{self, Group};
use crate::http::UreqSend;
use crate::send::{Line, Operation, Setback, read_acknowledgement, read_exposition};
use crate::url::{HttpUrl, RedactedUrl};

const READY_PATH: &str = "/-/ready";
const SCRAPE_PATH: &str = "/metrics";
const GROUPS_PATH: &str = "/api/v1/metrics";

/// A Pushgateway, asked from the thread that calls.
///
/// Every operation tries again with growing, random waits while the gateway is unreachable, late or
/// busy, and returns within [`total_timeout`](GatewayConfig#structfield.total_timeout) (30 s unless
/// set). A push replaces state, so repeating one is harmless.
///
/// ```no_run
/// use prompush::{Gateway, GroupingKey, Registry};
///
/// let registry = Registry::new();
/// registry.counter("rows_processed_total", "Rows processed.")?.inc();
///
/// let group = GroupingKey::new("nightly_import")?.with("instance", "host-1")?;
/// Gateway::new("http://localhost:9091")?.push(&group, &registry)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Gateway {
    line: Line,
}

/// What a successful push or add was.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PushReport {
    /// Metric families in the body.
    pub families: usize,
    /// Samples in the body: its lines without comments.
    pub samples: usize,
    /// Size of the body, before compression.
    pub body_bytes: usize,
    /// Attempts it took, from 1.
    pub attempts: u32,
    /// Time it took, with all attempts and the waits between them.
    pub duration: Duration,
    /// The gateway's status: 200, or 202 from one that does not check consistency.
    pub status: u16,
}

impl Gateway {
    /// The gateway at `url`, with default limits.
    ///
    /// `url` is the gateway's base URL, such as `http://localhost:9091` or
    /// `https://user:password@host/prefix`. Without a scheme it is taken as `http`. Credentials are
    /// sent as basic authentication and shown in no message.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Url`] when `url` cannot be used; the gateway is not asked.
    pub fn new(url: &str) -> Result<Self, ConfigError> {
        Self::with_config(url, GatewayConfig::default())
    }

    /// The gateway at `url`, with limits of your own.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new); [`ConfigError::Format`] for a format that gateways cannot read.
    pub fn with_config(url: &str, config: GatewayConfig) -> Result<Self, ConfigError> {
        let url = HttpUrl::parse(url)?;
        config.check()?;
        let http = Box::new(UreqSend::new(&config));
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        Ok(Self { line: Line { url, config, http, clock, rng: fastrand::Rng::new } })
    }

    pub(crate) fn into_line(self) -> Line {
        self.line
    }

    /// The gateway's base URL, credentials shown as `***`.
    pub fn url(&self) -> RedactedUrl {
        self.line.url.redacted("")
    }

    /// Replaces the whole group `key` by the metrics of `source` (`PUT`).
    ///
    /// # Errors
    ///
    /// [`PushError`]: the metrics could not be encoded or are too large, the gateway refused them,
    /// or did not take them in time.
    pub fn push(&self, key: &GroupingKey, source: &dyn Source) -> Result<PushReport, PushError> {
        self.send(Verb::Push, key, source)
    }

    /// Replaces, in the group `key`, the metric families that `source` has, and keeps the others
    /// (`POST`).
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    pub fn add(&self, key: &GroupingKey, source: &dyn Source) -> Result<PushReport, PushError> {
        self.send(Verb::Add, key, source)
    }

    /// Deletes the group `key`. A group that does not exist is deleted with success, as the gateway
    /// does not tell.
    ///
    /// # Errors
    ///
    /// [`PushError`] when the gateway refused, or did not answer in time.
    pub fn delete(&self, key: &GroupingKey) -> Result<(), PushError> {
        self.delete_path(&key.to_path())
    }

    /// Deletes a group that [`groups`](Self::groups) listed, by its whole key, also by one that
    /// [`GroupingKey`] would refuse.
    ///
    /// # Errors
    ///
    /// As [`delete`](Self::delete); [`PushErrorKind::Encode`] when the labels have no job.
    pub fn delete_group(&self, group: &Group) -> Result<(), PushError> {
        let labels = group.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        match encode_path(labels) {
            Ok(path) => self.delete_path(&path),
            Err(error) => {
                let operation = Operation { verb: Verb::Delete, path: "/metrics", body: None };
                Err(self.nothing_sent(&operation, PushErrorKind::Encode, Cause::other(error)))
            }
        }
    }

    /// The groups that the gateway holds, sorted by their labels (`GET /api/v1/metrics`).
    ///
    /// # Errors
    ///
    /// [`PushError`] when the gateway did not answer in time, refused, answered something that is
    /// not its API ([`PushErrorKind::NotAGateway`]), or more than
    /// [`answer_bytes_max`](GatewayConfig#structfield.answer_bytes_max)
    /// ([`PushErrorKind::TooLarge`]).
    pub fn groups(&self) -> Result<Vec<Group>, PushError> {
        let operation = Operation { verb: Verb::List, path: GROUPS_PATH, body: None };
        let max = self.line.config.answer_bytes_max;
        let read = |body: &mut dyn Read| groups::read(body, max);
        Ok(self.line.with_retries(&operation, &read)?.value)
    }

    /// Whether the gateway takes pushes (`GET /-/ready`); tries until `total_timeout`.
    ///
    /// # Errors
    ///
    /// [`PushError`] when it does not say so in time.
    pub fn ready(&self) -> Result<(), PushError> {
        let operation = Operation { verb: Verb::Ready, path: READY_PATH, body: None };
        self.line.with_retries(&operation, &read_acknowledgement).map(|_| ())
    }

    /// What the gateway exposes to Prometheus, in text 0.0.4 (`GET /metrics`).
    ///
    /// # Errors
    ///
    /// As [`groups`](Self::groups).
    pub fn scrape(&self) -> Result<Vec<u8>, PushError> {
        let operation = Operation { verb: Verb::Scrape, path: SCRAPE_PATH, body: None };
        let max = self.line.config.answer_bytes_max;
        let read = |body: &mut dyn Read| read_exposition(body, max);
        Ok(self.line.with_retries(&operation, &read)?.value)
    }

    fn send(
        &self,
        verb: Verb,
        key: &GroupingKey,
        source: &dyn Source,
    ) -> Result<PushReport, PushError> {
        let start = self.line.clock.now();
        let path = key.to_path();
        let mut operation = Operation { verb, path: &path, body: None };
        let mut encoder = Encoder::new(self.line.config.format);
        let body = EncodedBody::encode(&mut encoder, source, &self.line.config)
            .map_err(|(kind, cause)| self.nothing_sent(&operation, kind, cause))?;
        operation.body = Some(&body);
        let done = self.line.with_retries(&operation, &read_acknowledgement)?;
        Ok(PushReport {
            families: body.families,
            samples: body.samples,
            body_bytes: body.bytes.len(),
            attempts: done.attempts,
            duration: self.line.clock.now().saturating_duration_since(start),
            status: done.status,
        })
    }

    fn delete_path(&self, path: &str) -> Result<(), PushError> {
        let operation = Operation { verb: Verb::Delete, path, body: None };
        self.line.with_retries(&operation, &read_acknowledgement).map(|_| ())
    }

    fn nothing_sent(
        &self,
        operation: &Operation<'_>,
        kind: PushErrorKind,
        cause: Cause,
    ) -> PushError {
        self.line.error(operation, &Setback::nothing_sent(kind, cause), 0)
    }
}
