//! Operations on a gateway from the caller's thread.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use prompush_core::clock::{Clock, SystemClock};
use prompush_core::{GroupingKey, Source};

use crate::error::{Cause, ConfigError, PushError, PushErrorKind, RedactedUrl, Verb};
use crate::exchange::{
    AttemptError, Completed, Connection, GatewayConfig, Group, Inventory, Operation, ReadAnswer,
    SystemWait, group_list, read_acknowledgement, read_exposition,
};
use crate::group_key::AnyGroupingKey;
use crate::http::{HttpAgent, HttpUrl};
use crate::payload::{EncodedBody, GroupChange, gather};
use crate::spool::{
    Record, ReplayError, ReplayOutcome, Spool, SpoolEntry, fingerprint, replay, with_spooled,
};

/// A Pushgateway, used from the calling thread.
///
/// While the gateway is unreachable, late or busy, every operation is retried with growing, random
/// waits. It returns within [`total_timeout`](GatewayConfig#structfield.total_timeout), which is 30 s
/// unless set. Retrying is safe, because a push replaces state.
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

/// Facts about a push or an add that succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PushReport {
    /// The number of metric families in the body.
    pub families: usize,
    /// The number of samples in the body: its lines that are not comments.
    pub samples: usize,
    /// Size of the body before compression, in bytes.
    pub body_bytes: usize,
    /// The number of attempts, at least 1.
    pub attempts: u32,
    /// The time of the operation, with all attempts and the waits between them.
    pub duration: Duration,
    /// The status of the gateway's answer: 200, or 202 from a gateway that does not check consistency.
    pub status: u16,
}

impl Gateway {
    /// The gateway at `url`, with default limits.
    ///
    /// `url` is the gateway's base URL, such as `http://localhost:9091` or
    /// `https://user:password@host/prefix`; see [`HttpUrl::parse`].
    ///
    /// # Errors
    ///
    /// [`ConfigError::Url`] when `url` cannot be used. Nothing is sent to the gateway.
    pub fn new(url: &str) -> Result<Self, ConfigError> {
        Self::with_config(url, GatewayConfig::default())
    }

    /// The gateway at `url`, with limits and options of your own.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new) and [`at`](Self::at).
    pub fn with_config(url: &str, config: GatewayConfig) -> Result<Self, ConfigError> {
        Self::at(HttpUrl::parse(url)?, config)
    }

    /// The gateway at a URL that is parsed already.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Option`] for a timeout of zero, [`ConfigError::Format`] for a format that
    /// gateways do not read, and [`ConfigError::Credentials`] when both the URL and `config` have
    /// credentials.
    pub fn at(url: HttpUrl, config: GatewayConfig) -> Result<Self, ConfigError> {
        config.check()?;
        if url.authorization().is_some() && config.credentials.has_authorization() {
            let expected = "credentials in one place, but the gateway's URL has a user, too";
            return Err(ConfigError::Credentials { expected });
        }
        if config.tls.is_insecure() {
            log::warn!(
                "the certificate of `{}` is not checked: anyone on the network path can read and \
                 change everything, credentials too",
                url.to_redacted()
            );
        }
        let http = Box::new(HttpAgent::new(config.agent_options()));
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let (wait, rng) = (Arc::new(SystemWait), fastrand::Rng::new);
        Ok(Self { connection: Connection { url, config, http, clock, wait, rng }, spool: None })
    }

    /// Sets a directory that keeps every push, add and delete that did not succeed, so that a later run
    /// can send it.
    ///
    /// The change is on disk (fsynced) as soon as the first attempt has failed. An add first sends what
    /// the spool keeps of its group, and every success removes it from the spool. Default: nothing is
    /// kept.
    #[must_use]
    pub fn spool(mut self, dir: impl Into<PathBuf>) -> Self {
        self.spool = Some(Spool::new(dir));
        self
    }

    /// Sets [`total_timeout`](GatewayConfig#structfield.total_timeout) for the operations that follow.
    /// Several operations can share a deadline in this way.
    pub fn set_total_timeout(&mut self, total: Duration) {
        self.connection.config.total_timeout = total;
    }

    /// The deadline of an operation that begins now.
    pub(crate) fn operation_deadline(&self) -> Instant {
        self.connection.clock.deadline(self.connection.config.total_timeout)
    }

    pub(crate) fn total_timeout(&self) -> Duration {
        self.connection.config.total_timeout
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        self.connection.clock.as_ref()
    }

    pub(crate) fn spool_dir(&self) -> Option<&Path> {
        self.spool.as_ref().map(Spool::dir)
    }

    pub(crate) fn into_connection(self) -> Connection {
        self.connection
    }

    /// The gateway's base URL, credentials shown as `***`.
    pub fn url(&self) -> RedactedUrl {
        self.connection.url.to_redacted()
    }

    /// The gateway's base URL without credentials, which names the gateway in a [`Spool`].
    pub fn base(&self) -> &str {
        self.connection.url.base()
    }

    /// Replaces the whole group `key` by the metrics of `source` (`PUT`).
    ///
    /// # Errors
    ///
    /// [`PushError`] when the metrics cannot be encoded or are too large, when the gateway refuses
    /// them, or when it does not acknowledge them in time.
    pub fn push(&self, key: &GroupingKey, source: &dyn Source) -> Result<PushReport, PushError> {
        self.send_source(Verb::Push, key, source)
    }

    /// Replaces the metric families that `source` has, and keeps the other families of the group `key`
    /// (`POST`).
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    pub fn add(&self, key: &GroupingKey, source: &dyn Source) -> Result<PushReport, PushError> {
        self.send_source(Verb::Add, key, source)
    }

    /// Deletes the group `key` (`DELETE`). Deleting a group that does not exist succeeds, because a
    /// gateway does not tell the difference.
    ///
    /// # Errors
    ///
    /// [`PushError`] when the gateway refuses, or does not acknowledge in time.
    pub fn delete(&self, key: &GroupingKey) -> Result<(), PushError> {
        self.delete_any(&AnyGroupingKey::from(key))
    }

    /// Deletes a group by any key, also one that [`GroupingKey`] refuses.
    ///
    /// # Errors
    ///
    /// As [`delete`](Self::delete).
    pub fn delete_any(&self, key: &AnyGroupingKey) -> Result<(), PushError> {
        self.delete_until(key, self.operation_deadline())
    }

    pub(crate) fn delete_until(
        &self,
        key: &AnyGroupingKey,
        deadline: Instant,
    ) -> Result<(), PushError> {
        self.send_change(key, &GroupChange::Delete, deadline).map(drop)
    }

    /// Deletes a group that [`groups`](Self::groups) has listed.
    ///
    /// # Errors
    ///
    /// As [`delete`](Self::delete), and [`PushErrorKind::Encode`] when the group has no job.
    pub fn delete_group(&self, group: &Group) -> Result<(), PushError> {
        self.delete_any(&self.key_of(group)?)
    }

    /// Deletes a group that [`groups`](Self::groups) has listed, in one attempt.
    ///
    /// A retry would come later, and could delete a group that was pushed again meanwhile.
    ///
    /// # Errors
    ///
    /// As [`delete_group`](Self::delete_group).
    pub fn delete_group_once(&self, group: &Group) -> Result<(), PushError> {
        let key = self.key_of(group)?;
        let operation = Operation::on_group(Verb::Delete, &key);
        let config = &self.connection.config;
        let timeout = config.attempt_timeout.min(config.total_timeout);
        match self.connection.attempt(&operation, timeout, 0, &read_acknowledgement) {
            Ok(_) => Ok(()),
            Err(attempt_error) => Err(self.connection.error(&operation, &attempt_error, 1)),
        }
    }

    pub(crate) fn key_of(&self, group: &Group) -> Result<AnyGroupingKey, PushError> {
        AnyGroupingKey::from_labels(group.labels.clone()).map_err(|error| {
            let operation = Operation::on_gateway(Verb::Delete);
            self.not_sent(&operation, PushErrorKind::Encode, Cause::other(error))
        })
    }

    /// Lists the groups that the gateway holds, sorted by their jobs and then by their other labels (`GET /api/v1/metrics`).
    ///
    /// # Errors
    ///
    /// [`PushError`] when the gateway refuses or does not answer in time,
    /// [`PushErrorKind::NotAGateway`] when the answer is not a Pushgateway's, and
    /// [`PushErrorKind::TooLarge`] when the answer exceeds
    /// [`answer_bytes_max`](GatewayConfig#structfield.answer_bytes_max).
    pub fn groups(&self) -> Result<Vec<Group>, PushError> {
        Ok(self.inventory()?.groups)
    }

    /// Lists the groups as [`groups`](Self::groups) does, with the time by the gateway's clock. Ages of
    /// groups by that clock are right even if the clock of this machine is wrong.
    ///
    /// # Errors
    ///
    /// As [`groups`](Self::groups).
    pub fn inventory(&self) -> Result<Inventory, PushError> {
        self.list_until(self.operation_deadline())
    }

    pub(crate) fn list_until(&self, deadline: Instant) -> Result<Inventory, PushError> {
        let max = self.connection.config.answer_bytes_max;
        let read = |body: &mut dyn Read| group_list::read(body, max);
        let operation = Operation::on_gateway(Verb::List);
        let answer = self.connection.until_deadline(deadline, &operation, &read)?.answer;
        Ok(Inventory { groups: answer.value, now: answer.date })
    }

    /// Waits until the gateway says that it takes pushes (`GET /-/ready`), at most for `total_timeout`.
    ///
    /// # Errors
    ///
    /// [`PushError`] when the gateway does not say so in time.
    pub fn ready(&self) -> Result<(), PushError> {
        let operation = Operation::on_gateway(Verb::Ready);
        self.connection.with_retries(&operation, &read_acknowledgement).map(|_| ())
    }

    /// Reads the metrics that the gateway exposes to Prometheus, in text format 0.0.4 (`GET /metrics`).
    ///
    /// # Errors
    ///
    /// As [`groups`](Self::groups).
    pub fn scrape(&self) -> Result<Vec<u8>, PushError> {
        let max = self.connection.config.answer_bytes_max;
        let read = |body: &mut dyn Read| read_exposition(body, max);
        let operation = Operation::on_gateway(Verb::Scrape);
        Ok(self.connection.with_retries(&operation, &read)?.answer.value)
    }

    fn send_source(
        &self,
        verb: Verb,
        key: &GroupingKey,
        source: &dyn Source,
    ) -> Result<PushReport, PushError> {
        let Connection { clock, config, .. } = &self.connection;
        let key = AnyGroupingKey::from(key);
        // Gathering and encoding count against the deadline too.
        let (start, deadline) = (clock.now(), clock.deadline(config.total_timeout));
        let gathered = gather(source, config.body_options()).map_err(|(kind, cause)| {
            self.not_sent(&Operation::on_group(verb, &key), kind, cause)
        })?;
        let (families, samples) = (gathered.families.len(), gathered.samples);
        let body_bytes = gathered.families.bytes_len();
        let change = match verb {
            Verb::Add => GroupChange::Add(gathered.families),
            _ => GroupChange::Push(gathered.families),
        };
        let completed = self.send_change(&key, &change, deadline)?;
        Ok(PushReport {
            families,
            samples,
            body_bytes,
            attempts: completed.attempts,
            duration: clock.now().saturating_duration_since(start),
            status: completed.answer.status,
        })
    }

    fn send_change(
        &self,
        key: &AnyGroupingKey,
        change: &GroupChange,
        deadline: Instant,
    ) -> Result<Completed<()>, PushError> {
        match &self.spool {
            Some(spool) => self.send_with_spool(spool, key, change, deadline),
            None => self.send_until(key, change, deadline, || {}),
        }
    }

    /// Sends a change. Writes the change to the spool after the first failed attempt, so that a kill
    /// during the retries loses nothing.
    fn send_with_spool(
        &self,
        spool: &Spool,
        key: &AnyGroupingKey,
        change: &GroupChange,
        deadline: Instant,
    ) -> Result<Completed<()>, PushError> {
        let base = self.connection.url.base();
        let spooled = spool.find(base, key);
        // Newer than what the spool keeps, even if the clock has been set back.
        let now = self.connection.clock.wall();
        let created = spooled.as_ref().map_or(now, |spooled| now.max(spooled.created));
        let store = || {
            // Another process may have sent what the spool keeps.
            let earlier = spooled.iter().flat_map(|spooled| {
                let sent = fingerprint::of_change(&spooled.change, &spooled.key);
                sent.into_iter().chain(spooled.unconfirmed.iter().copied())
            });
            let unconfirmed = earlier.collect();
            let (base, key, change) = (base.to_owned(), key.clone(), change.clone());
            spool.store(vec![Record { base, key, change, created, unconfirmed }]).pop()
        };
        let list = |operation: &Operation<'_>, read: ReadAnswer<'_, _>| {
            Ok(self.connection.until_deadline(deadline, operation, read)?.answer)
        };
        let to_send = with_spooled(Some(spool), &self.connection, key, Some(change.clone()), list);
        let result = to_send.and_then(|to_send| {
            let change = to_send.change.as_ref().unwrap_or(change);
            // Whether the change could be stored is reported when the retries have failed too.
            let send = || self.send_until(key, change, deadline, || drop(store()));
            for _ in 1..to_send.send_count {
                send()?;
            }
            send()
        });
        match result {
            Ok(completed) => {
                if let Err(error) = spool.remove_obsolete(base, key, created) {
                    let url = self.connection.url.redacted(key.path());
                    log::warn!("an obsolete state of `{url}` stays in the spool: {error}");
                }
                Ok(completed)
            }
            Err(error) => {
                let stored = store().map(|stored| stored.map(|()| spool.dir().to_owned()));
                Err(stored.map_or(error.clone(), |stored| error.with_spooled(stored)))
            }
        }
    }

    /// Sends a change until it succeeds, is refused, or the deadline has come. Calls `before_retry` once,
    /// before the second attempt.
    fn send_until(
        &self,
        key: &AnyGroupingKey,
        change: &GroupChange,
        deadline: Instant,
        before_retry: impl FnOnce(),
    ) -> Result<Completed<()>, PushError> {
        let mut operation = Operation::on_group(change.verb(), key);
        let options = self.connection.config.body_options();
        let body = EncodedBody::of_change(change, options)
            .map_err(|(kind, cause)| self.not_sent(&operation, kind, cause))?;
        operation.body = body.as_ref();
        let read = &read_acknowledgement;
        self.connection.until_deadline_with(deadline, &operation, read, before_retry)
    }

    fn not_sent(&self, operation: &Operation<'_>, kind: PushErrorKind, cause: Cause) -> PushError {
        self.connection.error(operation, &AttemptError::nothing_sent(kind, cause), 0)
    }
}

impl Spool {
    /// Sends a state to its gateway and removes its file. If the group was pushed since, only the file
    /// is removed.
    ///
    /// While this runs, no other process sends anything from the spool. The total time is at most
    /// [`total_timeout`](GatewayConfig#structfield.total_timeout) of `gateway`.
    ///
    /// # Errors
    ///
    /// [`ReplayError`]. The file stays in the spool.
    pub fn replay(
        &self,
        gateway: &Gateway,
        entry: &SpoolEntry,
    ) -> Result<ReplayOutcome, ReplayError> {
        replay(self, &gateway.connection, entry)
    }
}
