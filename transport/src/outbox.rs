//! Any number of groups, kept up to date on one gateway or several.

use std::mem;
use std::process;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{at, select};
use prompush_core::{GroupingKey, Source};

use crate::background::group_state::Generation;
use crate::background::queue::Path;
use crate::background::shared_state::{
    EndAction, GatheredGroup, STOPPED, SharedState, gather_safely,
};
use crate::background::thread::GatewayThread;
use crate::error::kind::PushErrorKind;
use crate::error::push_error::{PushError, with_causes};
use crate::error::verb::Verb;
use crate::exchange::operation::Operation;
use crate::metrics::self_metrics::SelfMetrics;
use crate::payload::change::GroupChange;
use crate::payload::families::Families;

/// Most of a deadline that the threads leave to their owner for joining them.
const JOIN_RESERVE: Duration = Duration::from_millis(50);

/// Most of a deadline that is left to writing what is not acknowledged to the spool.
const SPOOL_RESERVE: Duration = Duration::from_millis(250);

/// Keeps any number of groups on one or several gateways up to date, from a thread of its own per
/// gateway.
///
/// [`push`](Self::push), [`add`](Self::add) and [`delete`](Self::delete) encode the state of now
/// and return; the threads send it. Of each group and gateway one request is in flight, and what
/// comes meanwhile becomes one with what is pending: a later push replaces it, a later add replaces
/// the families of the same name, a later delete removes the group. So a gateway ends in the state
/// that telling it everything in order, once, would have given, whatever was lost, late or repeated
/// on the way.
///
/// While a gateway fails, its thread tries again with growing, random waits, and logs the first
/// failure and the recovery through the `log` package; other gateways are not held up. What is
/// refused for good is logged and not sent again before a [`flush`](Self::flush), a
/// [`shutdown`](Self::shutdown) or something new in that group.
///
/// **When [`flush`](Self::flush) returns `Ok`, the gateway has acknowledged a state at least as new
/// as the one at the call. When it does not, and a spool directory is set, that state is on disk
/// (fsynced) and a later run sends it, unless the group has been pushed since.** With several
/// gateways, each has acknowledged it, or it is kept for each that has not. So also for `shutdown`
/// and for dropping. A program that is killed (`SIGKILL`, a power cut) loses what was not yet pushed.
///
/// A program that keeps one group from one source up to date uses [`Pusher`](crate::Pusher).
///
/// Dropping it does what [`shutdown`](Self::shutdown) does, within 5 s unless
/// [set](OutboxBuilder::shutdown_deadline), and logs a failure. Start it after any `fork`.
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
    /// Empty once ended; never empty before.
    pub(crate) threads: Vec<GatewayThread>,
    /// What is shared with the first gateway's thread; in it, what all gateways have in common.
    pub(crate) first: Arc<SharedState>,
    pub(crate) gathered: Option<GatheredGroup>,
    pub(crate) shutdown_deadline: Duration,
    /// The process that has the threads.
    pub(crate) pid: u32,
}

impl Outbox {
    /// Replaces the whole group `key` by the metrics of `source`, as they are at the call (`PUT`).
    /// Returns when they are encoded; sending them is the threads' work.
    ///
    /// # Errors
    ///
    /// [`PushError`]: the metrics could not be encoded or are too large
    /// ([`PushErrorKind::Encode`], [`PushErrorKind::TooLarge`]), or the threads are gone
    /// ([`PushErrorKind::Stopped`], [`PushErrorKind::Forked`]).
    pub fn push(&self, key: &GroupingKey, source: &dyn Source) -> Result<(), PushError> {
        let path = Path::from(key.to_path());
        self.check_threads(Verb::Push)?;
        let families = self.encode(Verb::Push, &path, source)?;
        self.send(&path, &GroupChange::Push(families));
        Ok(())
    }

    /// Replaces, in the group `key`, the metric families that `source` has, and keeps the others
    /// (`POST`). Returns as [`push`](Self::push) does.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    pub fn add(&self, key: &GroupingKey, source: &dyn Source) -> Result<(), PushError> {
        let path = Path::from(key.to_path());
        self.check_threads(Verb::Add)?;
        let families = self.encode(Verb::Add, &path, source)?;
        self.send(&path, &GroupChange::Add(families));
        Ok(())
    }

    /// Deletes the group `key` (`DELETE`), also one that does not exist. Returns at once.
    ///
    /// # Errors
    ///
    /// [`PushErrorKind::Stopped`] or [`PushErrorKind::Forked`] when the threads are gone.
    pub fn delete(&self, key: &GroupingKey) -> Result<(), PushError> {
        self.check_threads(Verb::Delete)?;
        self.send(&Path::from(key.to_path()), &GroupChange::Delete);
        Ok(())
    }

    /// How many groups have something that a gateway has not acknowledged; with several gateways,
    /// of the one that has most.
    pub fn pending(&self) -> usize {
        self.threads.iter().map(|thread| thread.shared.lock().queue.len()).max().unwrap_or(0)
    }

    /// Its metrics about itself.
    pub fn metrics(&self) -> &SelfMetrics {
        &self.first.metrics
    }

    /// Sends all that is pending now, and waits until it is acknowledged by every gateway, at most
    /// for `deadline`. A gateway that fails is tried again until then.
    ///
    /// # Errors
    ///
    /// [`PushError`] for the first group and gateway that refused or did not acknowledge in time,
    /// with the [others](PushError::others) in it; the outbox goes on in either case.
    pub fn flush(&self, deadline: Duration) -> Result<(), PushError> {
        self.check_threads(Verb::Push)?;
        let until = self.first.connection.clock.deadline(deadline);
        let until = until.checked_sub(self.spool_reserve(deadline)).unwrap_or(until);
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

    /// Sends all that is pending, and ends the threads, all within `deadline`. A request that has
    /// no answer by then is interrupted and abandoned.
    ///
    /// # Errors
    ///
    /// As [`flush`](Self::flush); the outbox has ended in either case.
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
            // The threads and the locks are in the other process: touch nothing.
            mem::forget(threads);
            return Err(error);
        }
        let until = self.first.connection.clock.deadline(deadline);
        let until = until.checked_sub(self.spool_reserve(deadline)).unwrap_or(until);
        let by = until.checked_sub(JOIN_RESERVE.min(deadline / 10)).unwrap_or(until);
        let mut errors = Vec::new();
        for thread in &threads {
            thread.shared.end(by, end_action);
        }
        let late = format!("not acknowledged within {deadline:?}");
        for thread in threads {
            if !thread.wait_for_end(until) {
                thread.shared.connection.http.interrupt();
            }
            errors.extend(thread.failures(Generation::MAX, &late));
        }
        PushError::first_of(errors).map_or(Ok(()), Err)
    }

    fn encode(&self, verb: Verb, path: &str, source: &dyn Source) -> Result<Families, PushError> {
        let connection = &self.first.connection;
        gather_safely(source, connection).map_err(|attempt_error| {
            connection.error(&Operation { verb, path, body: None }, &attempt_error, 0)
        })
    }

    fn send(&self, path: &Path, state: &GroupChange) {
        send(&self.threads, path, state);
    }

    fn check_threads(&self, verb: Verb) -> Result<(), PushError> {
        self.check_process(verb)?;
        match self.threads.iter().find(|thread| thread.handle.is_finished()) {
            Some(thread) => Err(self.stopped(thread, verb)),
            None => Ok(()),
        }
    }

    /// A thread does not survive a `fork`: waiting for it would be waiting for ever.
    fn check_process(&self, verb: Verb) -> Result<(), PushError> {
        if self.pid == process::id() {
            return Ok(());
        }
        let words = format!("it was started by process {}", self.pid);
        Err(self.first.error(verb, self.gathered_path(), PushErrorKind::Forked, &words))
    }

    fn stopped(&self, thread: &GatewayThread, verb: Verb) -> PushError {
        thread.shared.error(verb, self.gathered_path(), PushErrorKind::Stopped, STOPPED)
    }

    /// How much of a deadline is left to writing the spool.
    fn spool_reserve(&self, deadline: Duration) -> Duration {
        match &self.first.spool {
            Some(_) => SPOOL_RESERVE.min(deadline / 5),
            None => Duration::ZERO,
        }
    }

    fn gathered_path(&self) -> &str {
        self.gathered.as_ref().map_or("", |gathered| &gathered.path)
    }
}

#[cfg(test)]
impl Outbox {
    /// From now on as in the child of a `fork`: the threads are in another process.
    pub(crate) fn act_as_if_forked(&mut self) {
        self.pid = self.pid.wrapping_add(1);
    }
}

fn send(threads: &[GatewayThread], path: &Path, state: &GroupChange) {
    for thread in threads {
        thread.shared.add(path, state.clone());
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        if let Err(error) = self.end(self.shutdown_deadline, EndAction::Push) {
            log::error!("{}", with_causes(&error));
        }
    }
}
