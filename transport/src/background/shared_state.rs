//! What the thread of a gateway and its owner both see, and how they call each other.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crossbeam_channel::{Receiver, Sender, bounded};
use prompush_core::Source;

use crate::background::group_state::{Generation, GroupState};
use crate::background::queue::{Path, Queue};
use crate::background::schedule::Schedule;
use crate::error::cause::Cause;
use crate::error::kind::PushErrorKind;
use crate::error::push_error::PushError;
use crate::error::spool::SpoolError;
use crate::error::verb::Verb;
use crate::exchange::attempt_error::AttemptError;
use crate::exchange::connection::Connection;
use crate::exchange::operation::Operation;
use crate::metrics::self_metrics::SelfMetrics;
use crate::payload::body::gather;
use crate::payload::change::GroupChange;
use crate::payload::families::Families;
use crate::spool::gateway_spool::GatewaySpool;

/// Why a thread has ended by itself.
pub(crate) const STOPPED: &str = "its thread has ended, by a panic in a source of metrics";

/// What the thread of one gateway and its owner both see.
#[derive(Debug)]
pub(crate) struct SharedState {
    pub(crate) connection: Connection,
    pub(crate) spool: Option<GatewaySpool>,
    pub(crate) metrics: SelfMetrics,
    /// Which of the gateways it is, from 0.
    pub(crate) gateway: usize,
    state: Mutex<State>,
    /// Wakes the thread; one call that was not heard yet is enough.
    wake: Sender<()>,
}

/// What changes.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) queue: Queue,
    pub(crate) schedule: Schedule,
    /// What is gathered anew for each attempt.
    pub(crate) gathered: Option<GatheredGroup>,
    waiting: Vec<FlushWaiter>,
    pub(crate) health: Health,
}

/// A group whose state comes from a source, again and again.
#[derive(Clone)]
pub(crate) struct GatheredGroup {
    pub(crate) path: Path,
    pub(crate) source: Arc<dyn Source>,
    pub(crate) interval: Duration,
}

impl GatheredGroup {
    /// With these metrics beside those of the source.
    pub(crate) fn with_metrics(self, metrics: Option<SelfMetrics>) -> Self {
        let Some(metrics) = metrics else { return self };
        Self { source: Arc::new((self.source, metrics)), ..self }
    }
}

/// What becomes of the group that is gathered, at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EndAction {
    Push,
    Delete,
}

impl EndAction {
    pub(crate) fn verb(self) -> Verb {
        match self {
            Self::Push => Verb::Push,
            Self::Delete => Verb::Delete,
        }
    }
}

/// Somebody who wants to know when nothing up to an operation is under way any more.
#[derive(Debug)]
struct FlushWaiter {
    upto: Generation,
    /// How long it waits at most.
    until: Instant,
    settled: Sender<()>,
}

/// How the gateway is, as far as the log has been told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Health {
    /// Nothing has been said.
    #[default]
    Unknown,
    Good,
    /// Failing in a way that may pass, since then.
    Unavailable(Instant),
}

impl std::fmt::Debug for GatheredGroup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GatheredGroup").field("path", &self.path).finish_non_exhaustive()
    }
}

impl SharedState {
    /// One gateway's part, and what its thread is called by.
    pub(crate) fn new(
        connection: Connection,
        gathered: Option<GatheredGroup>,
        spool: Option<GatewaySpool>,
        (gateway, metrics): (usize, SelfMetrics),
    ) -> (Arc<Self>, Receiver<()>) {
        let Connection { config, clock, .. } = &connection;
        let now = clock.now();
        let mut schedule = Schedule::new(now, config.attempt_timeout, &config.retry_policy());
        if let Some(gathered) = &gathered {
            schedule = schedule.with_interval(now, gathered.interval);
        }
        let (mut queue, waiting, health) = (Queue::default(), Vec::new(), Health::Unknown);
        for path in spool.iter().flat_map(GatewaySpool::paths) {
            queue.add_from_earlier_run(&path);
        }
        let state = Mutex::new(State { queue, schedule, gathered, waiting, health });
        let (wake, woken) = bounded(1);
        let shared = Arc::new(Self { connection, spool, metrics, gateway, state, wake });
        if let Some(spool) = &shared.spool {
            shared.count_spooled(spool);
        }
        (shared, woken)
    }

    /// Held for bookkeeping only, never during a request.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an operation on a group.
    pub(crate) fn add(&self, path: &Path, state: GroupChange) {
        let created = self.created(path);
        self.lock().queue.add(path, state, created);
        self.wake_thread();
    }

    /// Adds the state of now of the group that is gathered, unless it is gathered no more.
    ///
    /// # Errors
    /// Why the source cannot be encoded.
    pub(crate) fn gather(&self, gathered: &GatheredGroup) -> Result<(), AttemptError> {
        let (created, generation) = (self.created(&gathered.path), self.lock().queue.generation());
        let change = GroupChange::Push(gather_safely(gathered.source.as_ref(), &self.connection)?);
        let mut state = self.lock();
        // It may have been deleted meanwhile, which has the last word.
        if state.gathered.is_some() {
            state.queue.add_gathered(&gathered.path, change, created, generation);
        }
        Ok(())
    }

    /// The time of a state of that group that is made now.
    fn created(&self, path: &Path) -> SystemTime {
        let now = self.connection.clock.wall();
        self.spool.as_ref().map_or(now, |spool| spool.creation_time(path, now))
    }

    /// Sends all there is at once, until then. What is returned hears when nothing of it is under
    /// way any more.
    pub(crate) fn flush(&self, until: Instant) -> (Generation, Receiver<()>) {
        let now = self.connection.clock.now();
        let (settled, hears) = bounded(1);
        let mut state = self.lock();
        state.request_gather();
        let upto = state.queue.enqueue_all();
        state.schedule.flush(now, until);
        state.waiting.retain(|waiting| waiting.until > now);
        state.waiting.push(FlushWaiter { upto, until, settled });
        state.notify_waiters();
        drop(state);
        self.wake_thread();
        (upto, hears)
    }

    /// Sends all there is at once, and ends by then. Last of the group that is gathered comes its
    /// state of now, or its deletion.
    pub(crate) fn end(&self, by: Instant, end_action: EndAction) {
        let now = self.connection.clock.now();
        let mut state = self.lock();
        match end_action {
            EndAction::Push => state.request_gather(),
            EndAction::Delete => {
                if let Some(gathered) = state.gathered.take() {
                    let created = self.created(&gathered.path);
                    state.queue.add(&gathered.path, GroupChange::Delete, created);
                }
            }
        }
        state.queue.enqueue_all();
        // What an earlier run has left is not worth the time that is left now.
        state.queue.drop_earlier_runs();
        state.schedule.end(now, by);
        drop(state);
        self.wake_thread();
    }

    /// Why operations up to that one are not acknowledged; `late` says it where no attempt has
    /// failed.
    pub(crate) fn errors(&self, upto: Generation, late: &str) -> Vec<(Path, PushError)> {
        let state = self.lock();
        let error = |(path, group, error): (&Path, &GroupState, Option<&PushError>)| {
            let verb = group.unacknowledged().map_or(Verb::Push, |(state, _)| state.verb());
            let late = || self.error(verb, path, PushErrorKind::Timeout, late);
            (Arc::clone(path), error.cloned().unwrap_or_else(late))
        };
        state.queue.errors(upto).map(error).collect()
    }

    /// Keeps what is not acknowledged in the spool, if there is one, and says how that went.
    pub(crate) fn store(&self) -> Vec<(Path, Result<PathBuf, Arc<SpoolError>>)> {
        let Some(spool) = &self.spool else { return Vec::new() };
        let gathered = self.lock().gathered.clone();
        if let Some(gathered) =
            gathered.filter(|gathered| self.lock().queue.needs_gather(&gathered.path))
        {
            // The thread did not come to it. What cannot be encoded cannot be kept.
            self.gather(&gathered).ok();
        }
        let unacknowledged = self.lock().queue.unacknowledged();
        let created: Vec<_> = unacknowledged
            .iter()
            .map(|unacknowledged| (Arc::clone(&unacknowledged.path), unacknowledged.created))
            .collect();
        let mut state = self.lock();
        for unacknowledged in &unacknowledged {
            state.queue.spooled(&unacknowledged.path, unacknowledged.state.clone());
        }
        drop(state);
        let spooled = spool.store(unacknowledged);
        // What was acknowledged meanwhile is obsolete by now.
        let acknowledged: Vec<_> = {
            let state = self.lock();
            created.into_iter().filter(|(path, _)| !state.queue.is_unacknowledged(path)).collect()
        };
        for (path, created) in acknowledged {
            spool.remove_obsolete(&path, created);
        }
        self.count_spooled(spool);
        spooled
    }

    pub(crate) fn count_spooled(&self, spool: &GatewaySpool) {
        self.metrics.spooled(self.gateway, spool.paths().len());
    }

    pub(crate) fn error(
        &self,
        verb: Verb,
        path: &str,
        kind: PushErrorKind,
        words: &str,
    ) -> PushError {
        let attempt_error = AttemptError::nothing_sent(kind, Cause::text(words));
        self.connection.error(&Operation { verb, path, body: None }, &attempt_error, 0)
    }

    fn wake_thread(&self) {
        self.wake.try_send(()).ok(); // one call is waiting already
    }
}

impl State {
    fn request_gather(&mut self) {
        if let Some(gathered) = &self.gathered {
            self.queue.request_gather(&gathered.path);
        }
    }

    pub(crate) fn notify_waiters(&mut self) {
        let queue = &self.queue;
        self.waiting.retain(|waiting| {
            let open = !queue.is_settled(waiting.upto);
            if !open {
                waiting.settled.try_send(()).ok(); // who has gone need not be told
            }
            open
        });
    }
}

/// The state of a source; a panic in it is an error of that kind.
pub(crate) fn gather_safely(
    source: &dyn Source,
    connection: &Connection,
) -> Result<Families, AttemptError> {
    let gathered = catch_unwind(AssertUnwindSafe(|| gather(source, &connection.config)));
    let nothing_sent = |(kind, cause)| AttemptError::nothing_sent(kind, cause);
    match gathered {
        Ok(gathered) => Ok(gathered.map_err(nothing_sent)?.families),
        Err(_) => Err(nothing_sent((PushErrorKind::Stopped, Cause::text(STOPPED)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::gateway::Gateway;

    #[test]
    fn who_waits_no_more_is_forgotten() {
        let connection = Gateway::new("http://gw").unwrap().into_connection();
        let (shared, _calls) =
            SharedState::new(connection, None, None, (0, SelfMetrics::new(1).unwrap()));
        shared.add(&Path::from("/metrics/job/x"), GroupChange::Delete);
        let until = shared.connection.clock.deadline(Duration::from_hours(1));
        let (_, gone) = shared.flush(until);
        let (_, hears) = shared.flush(until);
        assert_eq!(shared.lock().waiting.len(), 2);
        drop(gone);
        let mut state = shared.lock();
        state.queue.send(&Path::from("/metrics/job/x"));
        state.queue.acknowledged(&Path::from("/metrics/job/x"));
        state.notify_waiters();
        assert!(state.waiting.is_empty() && hears.try_recv().is_ok());
    }
}
