//! The state that a gateway's thread shares with its owner.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use crossbeam_channel::Receiver;
use parking_lot::{Mutex, MutexGuard};
use prompush_core::Source;

use crate::background::flush_waiters::FlushWaiters;
use crate::background::gathered_group::{EndAction, GatheredGroup};
use crate::background::group_state::Generation;
use crate::background::queue::{OpenGroup, Queue};
use crate::background::schedule::Schedule;
use crate::background::wakeup::{Waker, Wakeups, wakeup};
use crate::error::{Cause, PushError, PushErrorKind, SpoolError, Verb};
use crate::exchange::{AttemptError, Connection, Operation};
use crate::group_key::AnyGroupingKey;
use crate::payload::{Families, GroupChange, gather};
use crate::self_metrics::SelfMetrics;
use crate::spool::GatewaySpool;

/// Why a thread has ended before its owner wanted it to.
pub(crate) const STOPPED: &str = "its thread has ended, by a panic in a source of metrics";

/// The state that the thread of one gateway shares with its owner.
#[derive(Debug)]
pub(crate) struct SharedState {
    pub(crate) connection: Connection,
    pub(crate) spool: Option<GatewaySpool>,
    pub(crate) metrics: SelfMetrics,
    /// The number of the gateway, from 0.
    pub(crate) gateway: usize,
    state: Mutex<State>,
    waker: Waker,
}

/// The part of the shared state that changes.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) queue: Queue,
    pub(crate) schedule: Schedule,
    /// The group that is gathered for each attempt; `None` once it is deleted.
    pub(crate) gathered: Option<GatheredGroup>,
    flush_waiters: FlushWaiters,
    pub(crate) health: Health,
}

/// The last state of the gateway that was written to the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Health {
    /// Nothing was logged yet.
    #[default]
    Unknown,
    Good,
    /// The gateway has been failing since then, in a way that may pass.
    Unavailable(Instant),
}

impl SharedState {
    /// The shared state of one gateway, and the wait of its thread.
    pub(crate) fn new(
        connection: Connection,
        gathered: Option<GatheredGroup>,
        spool: Option<GatewaySpool>,
        (gateway, metrics): (usize, SelfMetrics),
    ) -> (Arc<Self>, Wakeups) {
        let Connection { config, clock, .. } = &connection;
        let now = clock.now();
        let mut schedule = Schedule::new(now, config.attempt_timeout, &config.retry_policy());
        if let Some(gathered) = &gathered {
            schedule = schedule.with_interval(now, gathered.interval);
        }
        let mut queue = Queue::default();
        for key in spool.iter().flat_map(GatewaySpool::groups) {
            queue.add_from_earlier_run(&key);
        }
        let (flush_waiters, health) = (FlushWaiters::default(), Health::Unknown);
        let state = Mutex::new(State { queue, schedule, gathered, flush_waiters, health });
        let (waker, wakeups) = wakeup();
        let shared = Arc::new(Self { connection, spool, metrics, gateway, state, waker });
        if let Some(spool) = &shared.spool {
            shared.count_spooled(spool);
        }
        (shared, wakeups)
    }

    /// Locks the state. The lock is held for bookkeeping only, never during a request.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Adds an operation on a group.
    pub(crate) fn add(&self, key: &AnyGroupingKey, change: GroupChange) {
        let created = self.creation_time(key);
        self.lock().queue.add(key, change, created);
        self.waker.wake();
    }

    /// Gathers the gathered group and adds its state, unless the group was deleted meanwhile.
    ///
    /// # Errors
    ///
    /// Why the source cannot be encoded.
    pub(crate) fn gather(&self, gathered: &GatheredGroup) -> Result<(), AttemptError> {
        let GatheredGroup { key, source, .. } = gathered;
        let (created, generation) = (self.creation_time(key), self.lock().queue.generation());
        let change = GroupChange::Push(gather_safely(source.as_ref(), &self.connection)?);
        let mut state = self.lock();
        if state.gathered.is_some() {
            state.queue.add_gathered(key, change, created, generation);
        }
        Ok(())
    }

    /// The creation time of a state of that group that is gathered now.
    fn creation_time(&self, key: &AnyGroupingKey) -> SystemTime {
        let now = self.connection.clock.wall();
        self.spool.as_ref().map_or(now, |spool| spool.creation_time(key, now))
    }

    /// Starts every pending push now, with `until` as the deadline.
    ///
    /// Returns the newest operation, and a receiver that gets a message once every operation up to that
    /// one is acknowledged or refused.
    pub(crate) fn flush(&self, until: Instant) -> (Generation, Receiver<()>) {
        let now = self.connection.clock.now();
        let mut state = self.lock();
        state.request_gather();
        let upto = state.queue.enqueue_all();
        state.schedule.flush(now, until);
        let is_settled = state.flush_waiters.add(now, upto, until);
        state.notify_flush_waiters();
        drop(state);
        self.waker.wake();
        (upto, is_settled)
    }

    /// Starts every pending push now, and lets the thread end by `deadline` at the latest. The gathered
    /// group is pushed a last time, or deleted.
    pub(crate) fn end(&self, deadline: Instant, end_action: EndAction) {
        let now = self.connection.clock.now();
        let mut state = self.lock();
        match end_action {
            EndAction::Push => state.request_gather(),
            EndAction::Delete => {
                if let Some(gathered) = state.gathered.take() {
                    let created = self.creation_time(&gathered.key);
                    state.queue.add(&gathered.key, GroupChange::Delete, created);
                }
            }
        }
        state.queue.enqueue_all();
        // The little time that is left belongs to the states of this run.
        state.queue.drop_earlier_runs();
        state.schedule.end(now, deadline);
        drop(state);
        self.waker.wake();
    }

    /// Why operations up to `upto` are not acknowledged, for each group. `late` is the cause for groups
    /// that were not attempted.
    pub(crate) fn errors(&self, upto: Generation, late: &str) -> Vec<(AnyGroupingKey, PushError)> {
        let state = self.lock();
        let error = |OpenGroup { key, state, error }: OpenGroup<'_>| {
            let verb = state.unacknowledged().map_or(Verb::Push, |(change, _)| change.verb());
            let late = || self.error(verb, Some(key), PushErrorKind::Timeout, late);
            (key.clone(), error.cloned().unwrap_or_else(late))
        };
        state.queue.open_groups(upto).map(error).collect()
    }

    /// Writes all changes that are not acknowledged to the spool, if there is one. Returns for each group
    /// whether its change is on disk.
    pub(crate) fn store(&self) -> Vec<(AnyGroupingKey, Result<PathBuf, Arc<SpoolError>>)> {
        let Some(spool) = &self.spool else { return Vec::new() };
        let gathered = self.lock().gathered.clone();
        if let Some(gathered) = gathered.filter(|it| self.lock().queue.needs_gather(&it.key)) {
            // The thread had no time to gather the group. A source that cannot be encoded cannot be
            // stored either.
            self.gather(&gathered).ok();
        }
        let unacknowledged = self.lock().queue.unacknowledged();
        let created: Vec<_> =
            unacknowledged.iter().map(|change| (change.key.clone(), change.created)).collect();
        let mut state = self.lock();
        for change in &unacknowledged {
            state.queue.spooled(&change.key, change.change.clone());
        }
        drop(state);
        let stored = spool.store(unacknowledged);
        // The thread may have got an acknowledgement meanwhile, which makes the stored change obsolete.
        let acknowledged: Vec<_> = {
            let state = self.lock();
            created.into_iter().filter(|(key, _)| !state.queue.is_open(key)).collect()
        };
        for (key, created) in acknowledged {
            spool.remove_obsolete(&key, created);
        }
        self.count_spooled(spool);
        stored
    }

    pub(crate) fn count_spooled(&self, spool: &GatewaySpool) {
        self.metrics.spooled(self.gateway, spool.groups().len());
    }

    /// An error about an operation that was not sent.
    pub(crate) fn error(
        &self,
        verb: Verb,
        key: Option<&AnyGroupingKey>,
        kind: PushErrorKind,
        cause: &str,
    ) -> PushError {
        let attempt_error = AttemptError::nothing_sent(kind, Cause::text(cause));
        self.connection.error(&Operation { verb, key, body: None }, &attempt_error, 0)
    }
}

impl State {
    fn request_gather(&mut self) {
        if let Some(gathered) = &self.gathered {
            self.queue.request_gather(&gathered.key);
        }
    }

    /// Tells every flush whose operations are all acknowledged or refused.
    pub(crate) fn notify_flush_waiters(&mut self) {
        self.flush_waiters.notify(&self.queue);
    }
}

/// Gathers a source. A panic in the source becomes an error of the kind [`PushErrorKind::Stopped`].
pub(crate) fn gather_safely(
    source: &dyn Source,
    connection: &Connection,
) -> Result<Families, AttemptError> {
    let options = connection.config.body_options();
    let gathered = catch_unwind(AssertUnwindSafe(|| gather(source, options)));
    let nothing_sent = |(kind, cause)| AttemptError::nothing_sent(kind, cause);
    match gathered {
        Ok(gathered) => Ok(gathered.map_err(nothing_sent)?.families),
        Err(_) => Err(nothing_sent((PushErrorKind::Stopped, Cause::text(STOPPED)))),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::client::gateway::Gateway;

    #[test]
    fn a_flush_that_has_stopped_waiting_is_forgotten() {
        let connection = Gateway::new("http://gw").unwrap().into_connection();
        let (shared, _woken) =
            SharedState::new(connection, None, None, (0, SelfMetrics::new(1).unwrap()));
        let key = AnyGroupingKey::from_path("/metrics/job/x").unwrap();
        shared.add(&key, GroupChange::Delete);
        let until = shared.connection.clock.deadline(Duration::from_hours(1));
        let (_, gone) = shared.flush(until);
        let (_, is_settled) = shared.flush(until);
        assert_eq!(shared.lock().flush_waiters.len(), 2);
        drop(gone);
        let mut state = shared.lock();
        state.queue.send(&key);
        state.queue.acknowledged(&key);
        state.notify_flush_waiters();
        assert!(state.flush_waiters.len() == 0 && is_settled.try_recv().is_ok());
    }
}
