//! One push, add, delete or question on the caller's thread.

use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use prompush_core::{GroupingKey, Source, encode_path};

use crate::error::cause::Cause;
use crate::error::config::ConfigError;
use crate::error::kind::PushErrorKind;
use crate::error::push_error::PushError;
use crate::error::redacted_url::RedactedUrl;
use crate::error::verb::Verb;
use crate::exchange::answer::{ReadAnswer, read_acknowledgement, read_exposition};
use crate::exchange::attempt_error::AttemptError;
use crate::exchange::config::GatewayConfig;
use crate::exchange::connection::{Completed, Connection};
use crate::exchange::groups;
use crate::exchange::groups::{Group, Inventory};
use crate::exchange::operation::{GROUPS_PATH, Operation, READY_PATH, SCRAPE_PATH};
use crate::exchange::wait::SystemWait;
use crate::http::agent::HttpAgent;
use crate::http::url::HttpUrl;
use crate::payload::body::{EncodedBody, Gathered, gather};
use crate::payload::change::GroupChange;
use crate::spool::directory::Spool;
use crate::spool::fingerprint;
use crate::spool::record::Record;
use crate::spool::replay::with_spooled;
use prompush_core::clock::{Clock, SystemClock};

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
    connection: Connection,
    spool: Option<Spool>,
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
    /// As [`new`](Self::new); [`ConfigError::Format`] for a format that gateways cannot read;
    /// [`ConfigError::Credentials`] for credentials in the URL and in `config` both.
    pub fn with_config(url: &str, config: GatewayConfig) -> Result<Self, ConfigError> {
        let url = HttpUrl::parse(url)?;
        config.check()?;
        if url.authorization().is_some() && config.credentials.has_authorization() {
            let expected = "them once: the gateway's URL holds a user as well";
            return Err(ConfigError::Credentials { expected });
        }
        if config.tls.is_insecure() {
            let url = url.redacted("");
            log::warn!(
                "the certificate of `{url}` is not checked: whoever is in between can read and \
                 change everything, credentials too"
            );
        }
        let http = Box::new(HttpAgent::new(&config));
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let connection = Connection {
            url,
            config,
            http,
            clock,
            wait: Arc::new(SystemWait),
            rng: fastrand::Rng::new,
        };
        Ok(Self { connection, spool: None })
    }

    /// Keeps in that directory what is pushed, added or deleted without success, for a later run:
    /// each of [`PushError`], [`Spool`] and [`Outbox`](crate::Outbox) says more. What was kept of a
    /// group before is part of an add, and is removed after any success.
    #[must_use]
    pub fn spool(mut self, dir: impl Into<PathBuf>) -> Self {
        self.spool = Some(Spool::new(dir));
        self
    }

    /// Gives every operation from now on that long, in place of
    /// [`total_timeout`](GatewayConfig#structfield.total_timeout): what is left, where several
    /// operations share a deadline.
    pub fn set_total_timeout(&mut self, total: Duration) {
        self.connection.config.total_timeout = total;
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    pub(crate) fn into_connection(self) -> Connection {
        self.connection
    }

    /// The gateway's base URL, credentials shown as `***`.
    pub fn url(&self) -> RedactedUrl {
        self.connection.url.redacted("")
    }

    /// The gateway's base URL without credentials, as a [`Spool`] knows it.
    pub fn base(&self) -> &str {
        self.connection.url.base()
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
        self.delete_path(&self.path_of(group)?)
    }

    /// As [`delete_group`](Self::delete_group), in one attempt: a repeated one comes later, and may
    /// meet a group that was pushed again meanwhile.
    ///
    /// # Errors
    ///
    /// As [`delete_group`](Self::delete_group).
    pub fn delete_group_once(&self, group: &Group) -> Result<(), PushError> {
        let path = self.path_of(group)?;
        let operation = Operation { verb: Verb::Delete, path: &path, body: None };
        let config = &self.connection.config;
        let timeout = config.attempt_timeout.min(config.total_timeout);
        match self.connection.attempt(&operation, timeout, 0, &read_acknowledgement) {
            Ok(_) => Ok(()),
            Err(attempt_error) => Err(self.connection.error(&operation, &attempt_error, 1)),
        }
    }

    /// The path of a group by its whole key.
    fn path_of(&self, group: &Group) -> Result<String, PushError> {
        let labels = group.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        encode_path(labels).map_err(|error| {
            let operation = Operation { verb: Verb::Delete, path: "/metrics", body: None };
            self.nothing_sent(&operation, PushErrorKind::Encode, Cause::other(error))
        })
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
        Ok(self.inventory()?.groups)
    }

    /// As [`groups`](Self::groups), with the gateway's own clock, by which the age of a group is
    /// right whatever the clock of this machine says.
    ///
    /// # Errors
    ///
    /// As [`groups`](Self::groups).
    pub fn inventory(&self) -> Result<Inventory, PushError> {
        let operation = Operation { verb: Verb::List, path: GROUPS_PATH, body: None };
        let max = self.connection.config.answer_bytes_max;
        let read = |body: &mut dyn Read| groups::read(body, max);
        let answered = self.connection.with_retries(&operation, &read)?.answered;
        Ok(Inventory { groups: answered.value, now: answered.date })
    }

    /// Whether the gateway takes pushes (`GET /-/ready`); tries until `total_timeout`.
    ///
    /// # Errors
    ///
    /// [`PushError`] when it does not say so in time.
    pub fn ready(&self) -> Result<(), PushError> {
        let operation = Operation { verb: Verb::Ready, path: READY_PATH, body: None };
        self.connection.with_retries(&operation, &read_acknowledgement).map(|_| ())
    }

    /// What the gateway exposes to Prometheus, in text 0.0.4 (`GET /metrics`).
    ///
    /// # Errors
    ///
    /// As [`groups`](Self::groups).
    pub fn scrape(&self) -> Result<Vec<u8>, PushError> {
        let operation = Operation { verb: Verb::Scrape, path: SCRAPE_PATH, body: None };
        let max = self.connection.config.answer_bytes_max;
        let read = |body: &mut dyn Read| read_exposition(body, max);
        Ok(self.connection.with_retries(&operation, &read)?.answered.value)
    }

    fn send(
        &self,
        verb: Verb,
        key: &GroupingKey,
        source: &dyn Source,
    ) -> Result<PushReport, PushError> {
        let start = self.connection.clock.now();
        // Gathering and encoding count, too.
        let deadline = self.connection.clock.deadline(self.connection.config.total_timeout);
        let path = key.to_path();
        let operation = Operation { verb, path: &path, body: None };
        let Gathered { families, samples } = gather(source, &self.connection.config)
            .map_err(|(kind, cause)| self.nothing_sent(&operation, kind, cause))?;
        let (count, body_bytes) = (families.len(), families.bytes_len());
        let state = match verb {
            Verb::Add => GroupChange::Add(families),
            _ => GroupChange::Push(families),
        };
        let done = self.send_and_spool(&path, &state, deadline)?;
        Ok(PushReport {
            families: count,
            samples,
            body_bytes,
            attempts: done.attempts,
            duration: self.connection.clock.now().saturating_duration_since(start),
            status: done.answered.status,
        })
    }

    fn delete_path(&self, path: &str) -> Result<(), PushError> {
        let deadline = self.connection.clock.deadline(self.connection.config.total_timeout);
        self.send_and_spool(path, &GroupChange::Delete, deadline).map(drop)
    }

    /// Tells the gateway, and if that fails the spool: as soon as an attempt has failed, so that a
    /// program which is ended while it tries again has lost nothing.
    fn send_and_spool(
        &self,
        path: &str,
        state: &GroupChange,
        deadline: Instant,
    ) -> Result<Completed<()>, PushError> {
        let Some(spool) = &self.spool else {
            return self.send_to_gateway(path, state, deadline, || {});
        };
        let base = self.connection.url.base().to_owned();
        let spooled = spool.find(&base, path);
        // Later than what is kept, even if the clock has been set back.
        let now = self.connection.clock.wall();
        let created = spooled.as_ref().map_or(now, |spooled| now.max(spooled.created));
        let store = || {
            let (base, path, state) = (base.clone(), path.to_owned(), state.clone());
            // Another process may have sent it meanwhile.
            let sent = spooled
                .as_ref()
                .and_then(|spooled| fingerprint::of_state(&spooled.state, &spooled.path));
            let earlier = spooled.iter().flat_map(|spooled| spooled.unconfirmed.clone());
            let unconfirmed = sent.into_iter().chain(earlier).collect();
            spool.store(vec![Record { base, path, state, created, unconfirmed }]).pop()
        };
        // Whether it is kept is said at the end.
        let store_meanwhile = || drop(store());
        let list = |operation: &Operation<'_>, read: ReadAnswer<'_, _>| {
            Ok(self.connection.until_deadline(deadline, operation, read)?.answered)
        };
        let combined = with_spooled(Some(spool), &self.connection, path, Some(state.clone()), list);
        let told = combined.and_then(|combined| {
            let state = combined.state.as_ref().unwrap_or(state);
            for _ in 1..combined.send_count {
                self.send_to_gateway(path, state, deadline, store_meanwhile)?;
            }
            self.send_to_gateway(path, state, deadline, store_meanwhile)
        });
        match told {
            Ok(done) => {
                if let Err(error) = spool.remove_obsolete(&base, path, created) {
                    log::warn!(
                        "what is spooled of `{}` is obsolete: {error}",
                        self.connection.url.redacted(path)
                    );
                }
                Ok(done)
            }
            Err(error) => {
                let spooled = store().map(|spooled| spooled.map(|()| spool.dir().to_owned()));
                Err(spooled.map_or(error.clone(), |spooled| error.with_spooled(spooled)))
            }
        }
    }

    fn send_to_gateway(
        &self,
        path: &str,
        state: &GroupChange,
        deadline: Instant,
        on_failure: impl FnOnce(),
    ) -> Result<Completed<()>, PushError> {
        let mut operation = Operation { verb: state.verb(), path, body: None };
        let body =
            state.families().map(|families| EncodedBody::new(families, &self.connection.config));
        let body = body.transpose();
        let body = body.map_err(|(kind, cause)| self.nothing_sent(&operation, kind, cause))?;
        operation.body = body.as_ref();
        self.connection.until_deadline_with(deadline, &operation, &read_acknowledgement, on_failure)
    }

    fn nothing_sent(
        &self,
        operation: &Operation<'_>,
        kind: PushErrorKind,
        cause: Cause,
    ) -> PushError {
        self.connection.error(operation, &AttemptError::nothing_sent(kind, cause), 0)
    }
}
