//! Any number of groups, kept up to date on one gateway or on several.

use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{at, select};
use prompush_core::{GroupingKey, Source};

use crate::background::{
    EndAction, GatewayThread, GatheredGroup, Generation, STOPPED, SharedState, ThreadsProcess,
    gather_safely,
};
use crate::error::{PushError, PushErrorKind, Verb, with_causes};
use crate::exchange::Operation;
use crate::group_key::AnyGroupingKey;
use crate::payload::{Families, GroupChange};
use crate::self_metrics::SelfMetrics;

/// The largest part of a deadline that is reserved for joining the threads.
const JOIN_RESERVE: Duration = Duration::from_millis(50);

/// The largest part of a deadline that is reserved for writing to the spool.
const SPOOL_RESERVE: Duration = Duration::from_millis(250);

/// Keeps any number of groups on one or several gateways up to date, with one background thread for
/// each gateway.
///
/// [`push`](Self::push), [`add`](Self::add) and [`delete`](Self::delete) encode the current state and
/// return; the threads send it. One request at a time is in flight for each group and gateway. Changes
/// that arrive meanwhile are merged: a later push replaces the pending change, a later add replaces the
/// families of the same names, and a later delete removes the group. So every gateway ends in the state
/// that sending each change once, in order, would have given, even if requests are lost, late or
/// repeated.
///
/// While a gateway fails, its thread retries with growing, random waits, and logs the first failure and
/// the recovery through the `log` package. Other gateways are not affected. A change that a gateway
/// refuses for good is logged. It is sent again only by a [`flush`](Self::flush), by a
/// [`shutdown`](Self::shutdown), or with the next change of its group.
///
/// **When [`flush`](Self::flush) returns `Ok`, the gateway has acknowledged a state at least as new
/// as the one at the call. When it does not, and a spool directory is set, that state is on disk
/// (fsynced) and a later run sends it, unless the group has been pushed since.** With several gateways
/// this holds for each of them. The same is true of `shutdown` and of dropping the outbox. `SIGKILL` or a
/// power cut loses whatever was not yet pushed.
///
/// A program that keeps one group up to date from one source uses [`Pusher`](crate::Pusher).
///
/// Dropping the outbox does what [`shutdown`](Self::shutdown) does, within 5 s unless
/// [set](crate::OutboxBuilder::shutdown_deadline), and logs a failure. A thread does not survive a `fork`:
/// start the outbox after it.
///
/// ```no_run
/// use std::time::Duration;
/// use prompush::{GroupingKey, Outbox, Registry};
///
/// let outbox = Outbox::builder("http://localhost:9091")?.spawn()?;
///
/// let registry = Registry::new();
/// registry.counter("rows_processed_total", "Rows processed.")?.inc();
/// let group = GroupingKey::new("nightly_import")?.with("instance", "host-1")?;
/// outbox.push(&group, &registry)?; // returns at once
///
/// outbox.shutdown(Duration::from_secs(5))?; // waits for the gateway
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "dropping the outbox ends it"]
pub struct Outbox {
    /// Empty once the outbox has ended; never empty before.
    pub(crate) threads: Vec<GatewayThread>,
    /// The shared state of the first gateway. It also has what all gateways have in common.
    pub(crate) first: Arc<SharedState>,
    pub(crate) gathered: Option<GatheredGroup>,
    pub(crate) shutdown_deadline: Duration,
    pub(crate) process: ThreadsProcess,
}

impl Outbox {
    /// Replaces the whole group `key` by the current metrics of `source` (`PUT`).
    ///
    /// Returns when the metrics are encoded. The threads send them later.
    ///
    /// # Errors
    ///
    /// [`PushError`]: the metrics could not be encoded or are too large
    /// ([`PushErrorKind::Encode`], [`PushErrorKind::TooLarge`]), or the threads have ended
    /// ([`PushErrorKind::Stopped`], [`PushErrorKind::Forked`]).
    pub fn push(&self, key: &GroupingKey, source: &dyn Source) -> Result<(), PushError> {
        let key = AnyGroupingKey::from(key);
        let families = self.encode(Verb::Push, &key, source)?;
        self.send(&key, &GroupChange::Push(families));
        Ok(())
    }

    /// Replaces the metric families that `source` has, and keeps the other families of the group `key`
    /// (`POST`). Returns when the metrics are encoded.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    pub fn add(&self, key: &GroupingKey, source: &dyn Source) -> Result<(), PushError> {
        let key = AnyGroupingKey::from(key);
        let families = self.encode(Verb::Add, &key, source)?;
        self.send(&key, &GroupChange::Add(families));
        Ok(())
    }

    /// Deletes the group `key`, which need not exist (`DELETE`). Returns at once.
    ///
    /// # Errors
    ///
    /// [`PushErrorKind::Stopped`] or [`PushErrorKind::Forked`] when the threads have ended.
    pub fn delete(&self, key: &GroupingKey) -> Result<(), PushError> {
        self.check_threads(Verb::Delete)?;
        self.send(&AnyGroupingKey::from(key), &GroupChange::Delete);
        Ok(())
    }

    /// The number of groups with changes that a gateway has not acknowledged. With several gateways this
    /// is the largest number.
    pub fn pending(&self) -> usize {
        self.threads.iter().map(|thread| thread.shared.lock().queue.len()).max().unwrap_or(0)
    }

    /// The metrics of the outbox about itself.
    pub fn metrics(&self) -> &SelfMetrics {
        &self.first.metrics
    }

    /// Sends all pending changes now, and waits until every gateway has acknowledged them, for
    /// `deadline` at most. Failed attempts are retried until then.
    ///
    /// # Errors
    ///
    /// [`PushError`] for the first group and gateway that refused or did not acknowledge in time, with
    /// the [others](PushError::others) in it. The outbox goes on in either case.
    pub fn flush(&self, deadline: Duration) -> Result<(), PushError> {
        self.check_threads(Verb::Push)?;
        let until = self.deadline_before_spooling(deadline);
        let flushes: Vec<_> =
            self.threads.iter().map(|thread| (thread, thread.shared.flush(until))).collect();
        let late = format!("not acknowledged within {deadline:?}");
        let mut errors = Vec::new();
        for (thread, (upto, settled)) in flushes {
            select! {
                recv(settled) -> _ => errors.extend(thread.failures(upto, &late)),
                recv(thread.ended) -> _ => errors.push(self.stopped(thread, Verb::Push)),
                recv(at(until)) -> _ => errors.extend(thread.failures(upto, &late)),
            }
        }
        PushError::first_of(errors).map_or(Ok(()), Err)
    }

    /// Sends all pending changes and ends the threads, within `deadline`. A request without an answer is
    /// interrupted at the deadline.
    ///
    /// # Errors
    ///
    /// As [`flush`](Self::flush). The outbox has ended in either case.
    pub fn shutdown(mut self, deadline: Duration) -> Result<(), PushError> {
        self.end(deadline, EndAction::Push)
    }

    pub(crate) fn end(
        &mut self,
        deadline: Duration,
        end_action: EndAction,
    ) -> Result<(), PushError> {
        let threads = mem::take(&mut self.threads);
        if threads.is_empty() {
            return Ok(());
        }
        if let Err(error) = self.check_process(end_action.verb()) {
            // The threads run in the parent process, which may hold the locks: touch nothing.
            mem::forget(threads);
            return Err(error);
        }
        let until = self.deadline_before_spooling(deadline);
        let end_by = until.checked_sub(JOIN_RESERVE.min(deadline / 10)).unwrap_or(until);
        for thread in &threads {
            thread.shared.end(end_by, end_action);
        }
        let late = format!("not acknowledged within {deadline:?}");
        let mut errors = Vec::new();
        for thread in threads {
            if !thread.wait_for_end(until) {
                thread.shared.connection.http.interrupt();
            }
            errors.extend(thread.failures(Generation::MAX, &late));
        }
        PushError::first_of(errors).map_or(Ok(()), Err)
    }

    fn encode(
        &self,
        verb: Verb,
        key: &AnyGroupingKey,
        source: &dyn Source,
    ) -> Result<Families, PushError> {
        self.check_threads(verb)?;
        let connection = &self.first.connection;
        gather_safely(source, connection)
            .map_err(|error| connection.error(&Operation::on_group(verb, key), &error, 0))
    }

    fn send(&self, key: &AnyGroupingKey, change: &GroupChange) {
        for thread in &self.threads {
            thread.shared.add(key, change.clone());
        }
    }

    fn check_threads(&self, verb: Verb) -> Result<(), PushError> {
        self.check_process(verb)?;
        match self.threads.iter().find(|thread| thread.handle.is_finished()) {
            Some(thread) => Err(self.stopped(thread, verb)),
            None => Ok(()),
        }
    }

    fn check_process(&self, verb: Verb) -> Result<(), PushError> {
        let error = |cause: String| {
            self.first.error(verb, self.gathered_key(), PushErrorKind::Forked, &cause)
        };
        self.process.check().map_err(error)
    }

    fn stopped(&self, thread: &GatewayThread, verb: Verb) -> PushError {
        thread.shared.error(verb, self.gathered_key(), PushErrorKind::Stopped, STOPPED)
    }

    /// The instant `deadline` from now, less the time that is reserved for writing to the spool.
    fn deadline_before_spooling(&self, deadline: Duration) -> Instant {
        let until = self.first.connection.clock.deadline(deadline);
        let reserve = match &self.first.spool {
            Some(_) => SPOOL_RESERVE.min(deadline / 5),
            None => Duration::ZERO,
        };
        until.checked_sub(reserve).unwrap_or(until)
    }

    fn gathered_key(&self) -> Option<&AnyGroupingKey> {
        self.gathered.as_ref().map(|gathered| &gathered.key)
    }
}

#[cfg(test)]
impl Outbox {
    /// Makes the outbox behave as in the child of a `fork`: its threads run in another process.
    pub(crate) fn act_as_if_forked(&mut self) {
        self.process = ThreadsProcess::other();
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        if let Err(error) = self.end(self.shutdown_deadline, EndAction::Push) {
            log::error!("{}", with_causes(&error));
        }
    }
}
