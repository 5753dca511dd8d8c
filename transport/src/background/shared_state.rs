//! What the thread of a gateway and its owner both see, and how they call each other.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use crossbeam_channel::{Receiver, Sender, bounded};
use prompush_core::Source;

use crate::background::group_state::{Generation, Slot};
use crate::background::queue::{Path, Queue};
use crate::background::schedule::Schedule;
use crate::error::{Cause, PushError, PushErrorKind, SpoolError, Verb};
use crate::exchange::connection::{Line, Operation, Setback};
use crate::metrics::self_metrics::SelfMetrics;
use crate::payload::body::gather;
use crate::payload::change::{Families, Pending};
use crate::spool::gateway_spool::Keeper;

/// Why a thread has ended by itself.
pub(crate) const STOPPED: &str = "its thread has ended, by a panic in a source of metrics";

/// What the thread of one gateway and its owner both see.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) line: Line,
    pub(crate) keeper: Option<Keeper>,
    pub(crate) metrics: SelfMetrics,
    /// Which of the gateways it is, from 0.
    pub(crate) gateway: usize,
    desk: Mutex<Desk>,
    /// Wakes the thread; one call that was not heard yet is enough.
    bell: Sender<()>,
}

/// What changes.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) queue: Queue,
    pub(crate) schedule: Schedule,
    /// What is gathered anew for each attempt.
    pub(crate) live: Option<Live>,
    waiting: Vec<Waiting>,
    pub(crate) health: Health,
}

/// A group whose state comes from a source, again and again.
#[derive(Clone)]
pub(crate) struct Live {
    pub(crate) path: Path,
    pub(crate) source: Arc<dyn Source>,
    pub(crate) interval: Duration,
}

impl Live {
    /// With these metrics beside those of the source.
    pub(crate) fn with_metrics(self, metrics: Option<SelfMetrics>) -> Self {
        let Some(metrics) = metrics else { return self };
        Self { source: Arc::new((self.source, metrics)), ..self }
    }
}

/// What becomes of the group that is gathered, at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LiveEnd {
    Push,
    Delete,
}

impl LiveEnd {
    pub(crate) fn verb(self) -> Verb {
        match self {
            Self::Push => Verb::Push,
            Self::Delete => Verb::Delete,
        }
    }
}

/// Somebody who wants to know when nothing up to an operation is under way any more.
#[derive(Debug)]
struct Waiting {
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

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Shared {
    /// One gateway's part, and what its thread is called by.
    pub(crate) fn new(
        line: Line,
        live: Option<Live>,
        keeper: Option<Keeper>,
        (gateway, metrics): (usize, SelfMetrics),
    ) -> (Arc<Self>, Receiver<()>) {
        let Line { config, clock, .. } = &line;
        let now = clock.now();
        let retry_delay = (config.retry_delay_min, config.retry_delay_max);
        let mut schedule = Schedule::new(now, config.attempt_timeout, retry_delay);
        if let Some(live) = &live {
            schedule = schedule.with_interval(now, live.interval);
        }
        let (mut queue, waiting, health) = (Queue::default(), Vec::new(), Health::Unknown);
        for path in keeper.iter().flat_map(Keeper::paths) {
            queue.add_left_behind(&path);
        }
        let desk = Mutex::new(Desk { queue, schedule, live, waiting, health });
        let (bell, calls) = bounded(1);
        let shared = Arc::new(Self { line, keeper, metrics, gateway, desk, bell });
        if let Some(keeper) = &shared.keeper {
            shared.count_kept(keeper);
        }
        (shared, calls)
    }

    /// Held for bookkeeping only, never during a request.
    pub(crate) fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an operation on a group.
    pub(crate) fn add(&self, path: &Path, state: Pending) {
        let made = self.made(path);
        self.desk().queue.add(path, state, made);
        self.ring();
    }

    /// Adds the state of now of the group that is gathered, unless it is gathered no more.
    ///
    /// # Errors
    /// Why the source cannot be encoded.
    pub(crate) fn refresh(&self, live: &Live) -> Result<(), Setback> {
        let (made, generation) = (self.made(&live.path), self.desk().queue.generation());
        let state = Pending::Put(gather_safely(live.source.as_ref(), &self.line)?);
        let mut desk = self.desk();
        // It may have been deleted meanwhile, which has the last word.
        if desk.live.is_some() {
            desk.queue.add_gathered(&live.path, state, made, generation);
        }
        Ok(())
    }

    /// The time of a state of that group that is made now.
    fn made(&self, path: &Path) -> SystemTime {
        let now = self.line.clock.wall();
        self.keeper.as_ref().map_or(now, |keeper| keeper.later(path, now))
    }

    /// Sends all there is at once, until then. What is returned hears when nothing of it is under
    /// way any more.
    pub(crate) fn flush(&self, until: Instant) -> (Generation, Receiver<()>) {
        let now = self.line.clock.now();
        let (settled, hears) = bounded(1);
        let mut desk = self.desk();
        desk.want_live();
        let upto = desk.queue.queue_all();
        desk.schedule.flush(now, until);
        desk.waiting.retain(|waiting| waiting.until > now);
        desk.waiting.push(Waiting { upto, until, settled });
        desk.tell_waiting();
        drop(desk);
        self.ring();
        (upto, hears)
    }

    /// Sends all there is at once, and ends by then. Last of the group that is gathered comes its
    /// state of now, or its deletion.
    pub(crate) fn end(&self, by: Instant, live_end: LiveEnd) {
        let now = self.line.clock.now();
        let mut desk = self.desk();
        match live_end {
            LiveEnd::Push => desk.want_live(),
            LiveEnd::Delete => {
                if let Some(live) = desk.live.take() {
                    let made = self.made(&live.path);
                    desk.queue.add(&live.path, Pending::Delete, made);
                }
            }
        }
        desk.queue.queue_all();
        // What an earlier run has left is not worth the time that is left now.
        desk.queue.own_only();
        desk.schedule.end(now, by);
        drop(desk);
        self.ring();
    }

    /// Why operations up to that one are not acknowledged; `late` says it where no attempt has
    /// failed.
    pub(crate) fn errors(&self, upto: Generation, late: &str) -> Vec<(Path, PushError)> {
        let desk = self.desk();
        let error = |(path, slot, error): (&Path, &Slot, Option<&PushError>)| {
            let verb = slot.unacknowledged().map_or(Verb::Push, |(state, _)| state.verb());
            let late = || self.error(verb, path, PushErrorKind::Timeout, late);
            (Arc::clone(path), error.cloned().unwrap_or_else(late))
        };
        desk.queue.errors(upto).map(error).collect()
    }

    /// Keeps what is not acknowledged in the spool, if there is one, and says how that went.
    pub(crate) fn keep(&self) -> Vec<(Path, Result<PathBuf, Arc<SpoolError>>)> {
        let Some(keeper) = &self.keeper else { return Vec::new() };
        let live = self.desk().live.clone();
        if let Some(live) = live.filter(|live| self.desk().queue.is_wanted(&live.path)) {
            // The thread did not come to it. What cannot be encoded cannot be kept.
            self.refresh(&live).ok();
        }
        let left = self.desk().queue.left();
        let made: Vec<_> = left.iter().map(|left| (Arc::clone(&left.path), left.made)).collect();
        let mut desk = self.desk();
        for left in &left {
            desk.queue.kept(&left.path, left.state.clone());
        }
        drop(desk);
        let kept = keeper.keep(left);
        // What was acknowledged meanwhile is obsolete by now.
        let acknowledged: Vec<_> = {
            let desk = self.desk();
            made.into_iter().filter(|(path, _)| !desk.queue.is_open(path)).collect()
        };
        for (path, made) in acknowledged {
            keeper.forget(&path, made);
        }
        self.count_kept(keeper);
        kept
    }

    pub(crate) fn count_kept(&self, keeper: &Keeper) {
        self.metrics.spooled(self.gateway, keeper.paths().len());
    }

    pub(crate) fn error(
        &self,
        verb: Verb,
        path: &str,
        kind: PushErrorKind,
        words: &str,
    ) -> PushError {
        let setback = Setback::nothing_sent(kind, Cause::text(words));
        self.line.error(&Operation { verb, path, body: None }, &setback, 0)
    }

    fn ring(&self) {
        self.bell.try_send(()).ok(); // one call is waiting already
    }
}

impl Desk {
    fn want_live(&mut self) {
        if let Some(live) = &self.live {
            self.queue.want(&live.path);
        }
    }

    pub(crate) fn tell_waiting(&mut self) {
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
pub(crate) fn gather_safely(source: &dyn Source, line: &Line) -> Result<Families, Setback> {
    let gathered = catch_unwind(AssertUnwindSafe(|| gather(source, &line.config)));
    let nothing_sent = |(kind, cause)| Setback::nothing_sent(kind, cause);
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
        let line = Gateway::new("http://gw").unwrap().into_line();
        let (shared, _calls) = Shared::new(line, None, None, (0, SelfMetrics::new(1).unwrap()));
        shared.add(&Path::from("/metrics/job/x"), Pending::Delete);
        let until = shared.line.clock.deadline(Duration::from_hours(1));
        let (_, gone) = shared.flush(until);
        let (_, hears) = shared.flush(until);
        assert_eq!(shared.desk().waiting.len(), 2);
        drop(gone);
        let mut desk = shared.desk();
        desk.queue.send(&Path::from("/metrics/job/x"));
        desk.queue.acknowledged(&Path::from("/metrics/job/x"));
        desk.tell_waiting();
        assert!(desk.waiting.is_empty() && hears.try_recv().is_ok());
    }
}
