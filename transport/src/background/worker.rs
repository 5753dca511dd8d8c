//! A gateway's thread: a thin loop that does what [`Schedule`](crate::background::schedule::Schedule) says with
//! what the [`Queue`](crate::background::queue::Queue) holds.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use crossbeam_channel::Receiver;

use crate::background::group_state::Fate;
use crate::background::queue::{Path, Sending};
use crate::background::schedule::{Action, Outcome};
use crate::background::shared_state::{Health, Live, Shared};
use crate::error::{PushError, PushErrorKind, Verb, in_full};
use crate::exchange::connection::{Operation, Setback, read_acknowledgement};
use crate::payload::body::EncodedBody;
use crate::spool::replay::with_kept;

/// Everything the thread owns.
#[derive(Debug)]
pub(crate) struct Worker {
    shared: Arc<Shared>,
    calls: Receiver<()>,
    rng: fastrand::Rng,
}

impl Worker {
    /// Wakes up when it is called.
    pub(crate) fn new(shared: Arc<Shared>, calls: Receiver<()>) -> Self {
        let rng = (shared.line.rng)();
        Self { shared, calls, rng }
    }

    /// Runs until told to end.
    pub(crate) fn run(mut self) {
        loop {
            let mut desk = self.shared.desk();
            let action = desk.schedule.next_action(self.now(), desk.queue.has_turns());
            match action {
                Action::Regular => {
                    desk.schedule.regular_queued();
                    if let Some(path) = desk.live.as_ref().map(|live| Arc::clone(&live.path)) {
                        desk.queue.queue(&path);
                    }
                }
                Action::Send { timeout } => {
                    let path = desk.queue.next().cloned();
                    let live = desk.live.clone().filter(|live| Some(&live.path) == path.as_ref());
                    drop(desk);
                    let Some(path) = path else { continue };
                    match live.map_or(Ok(()), |live| self.refresh(&live)) {
                        Ok(()) => self.attempt(&path, timeout),
                        Err(PushErrorKind::Stopped) => return,
                        Err(_) => {}
                    }
                }
                Action::Wait(until) => {
                    drop(desk);
                    self.calls.recv_deadline(until).ok(); // it was called, or it is time
                }
                Action::End => return,
            }
        }
    }

    fn now(&self) -> Instant {
        self.shared.line.clock.now()
    }

    /// Gathers the state of now; what cannot be encoded is refused.
    fn refresh(&mut self, live: &Live) -> Result<(), PushErrorKind> {
        let Err(setback) = self.shared.refresh(live) else { return Ok(()) };
        let line = &self.shared.line;
        let operation = Operation { verb: Verb::Push, path: &live.path, body: None };
        self.refused(&live.path, &line.error(&operation, &setback, 0));
        let now = self.now();
        let mut desk = self.shared.desk();
        desk.schedule.regular_ended(now, false, &mut self.rng);
        desk.tell_waiting();
        Err(setback.kind)
    }

    /// One request with what there is of that group.
    fn attempt(&mut self, path: &Path, timeout: Duration) {
        let sending = self.shared.desk().queue.send(path);
        let outcome = match self.ask(path, sending.as_ref(), timeout) {
            Ok(None) => return,
            Ok(Some(made)) => {
                self.acknowledged(path, made);
                Outcome::Acknowledged
            }
            Err(failed) if sending.is_none() => self.not_replayed(path, &failed),
            Err(failed) => self.failed(path, *failed),
        };
        let now = self.now();
        let mut desk = self.shared.desk();
        desk.schedule.attempted(now, outcome, &mut self.rng);
        let is_live = desk.live.as_ref().is_some_and(|live| live.path == *path);
        if is_live && !matches!(outcome, Outcome::Failed { .. }) {
            let acknowledged = outcome == Outcome::Acknowledged;
            desk.schedule.regular_ended(now, acknowledged, &mut self.rng);
        }
        desk.tell_waiting();
    }

    /// Sends what there is of a group, with what is kept of it. Returns when the newest part of it
    /// was made; `None` if there was nothing to send.
    fn ask(
        &self,
        path: &Path,
        sending: Option<&Sending>,
        timeout: Duration,
    ) -> Result<Option<SystemTime>, Box<Failed>> {
        let line = &self.shared.line;
        let mut by = self.now() + timeout;
        let failed = |operation: &Operation<'_>, setback: Setback, attempts| {
            let error = line.error(operation, &setback, attempts);
            Box::new(Failed { setback, error })
        };
        let own = sending.map(|sending| sending.batch.state.clone());
        let spool = self.shared.keeper.as_ref().map(|keeper| &keeper.spool);
        let combined = with_kept(spool, line, path, own, |operation, read| {
            let answered = line.attempt(operation, timeout, 0, read);
            answered.map_err(|setback| failed(operation, setback, 1))
        })?;
        let Some(state) = combined.state else { return Ok(None) };
        let mut operation = Operation { verb: state.verb(), path, body: None };
        let body = state.families().map(|families| EncodedBody::new(families, &line.config));
        let body = body
            .transpose()
            .map_err(|(kind, cause)| failed(&operation, Setback::nothing_sent(kind, cause), 0))?;
        operation.body = body.as_ref();
        if timeout == line.config.attempt_timeout {
            // No deadline has cut it.
            let bytes = body.as_ref().map_or(0, |body| body.http().bytes.len());
            by += line.config.attempt_timeout_for(bytes).saturating_sub(timeout);
        }
        for _ in 0..combined.times {
            let result = self.attempt_counted(&operation, by, sending);
            result.map_err(|setback| failed(&operation, setback, 1))?;
        }
        Ok(sending.map(|sending| sending.batch.made).or(combined.kept_made))
    }

    /// One request, and what it was for the metrics.
    fn attempt_counted(
        &self,
        operation: &Operation<'_>,
        by: Instant,
        sending: Option<&Sending>,
    ) -> Result<(), Setback> {
        let start = self.now();
        let dropped = sending.map_or(0, |sending| sending.dropped);
        let left = by.saturating_duration_since(start);
        let result = self.shared.line.attempt(operation, left, dropped, &read_acknowledgement);
        self.shared.metrics.attempted(
            result.as_ref().map_or_else(outcome, |_| Outcome::Acknowledged),
            sending.is_some_and(|sending| sending.again),
            self.now().saturating_duration_since(start),
            operation.body.map_or(0, |body| body.bytes.len()),
        );
        result.map(drop)
    }

    /// What an earlier run has left was not taken: it stays where it is.
    fn not_replayed(&self, path: &Path, failed: &Failed) -> Outcome {
        let outcome = outcome(&failed.setback);
        if outcome == Outcome::Refused {
            log::warn!("{}; it stays in the spool", in_full(&failed.error));
        } else {
            self.shared.desk().queue.add_left_behind(path);
        }
        outcome
    }

    fn acknowledged(&self, path: &Path, made: SystemTime) {
        let now = self.now();
        let url = self.shared.line.url.redacted(path);
        let mut desk = self.shared.desk();
        let refused = desk.queue.acknowledged(path).and_then(|(_, refused)| refused);
        let unavailable = match desk.health {
            Health::Unavailable(since) => Some(since),
            Health::Good => None,
            Health::Unknown => {
                log::debug!("pushing to `{url}`");
                None
            }
        };
        desk.health = Health::Good;
        drop(desk);
        self.shared.metrics.acknowledged(self.shared.gateway, self.shared.line.clock.wall());
        if let Some(keeper) = &self.shared.keeper {
            keeper.forget(path, made);
            self.shared.count_kept(keeper);
        }
        if let Some(since) = refused.into_iter().chain(unavailable).min() {
            let outage = now.saturating_duration_since(since);
            log::info!("pushing to `{url}` works again, after {outage:.1?}");
        }
    }

    fn failed(&self, path: &Path, failed: Failed) -> Outcome {
        let Failed { setback, error } = failed;
        let outcome = outcome(&setback);
        if outcome == Outcome::Refused {
            self.refused(path, &error);
            return outcome;
        }
        let mut desk = self.shared.desk();
        let known = matches!(desk.health, Health::Unavailable(_));
        if !known {
            desk.health = Health::Unavailable(self.now());
        }
        let words = (!known).then(|| in_full(&error));
        desk.queue.failed(path, fate(setback.kind), setback.dropped, error);
        drop(desk);
        if let Some(words) = words {
            log::warn!("{words}; trying again, with growing waits");
        }
        outcome
    }

    fn refused(&self, path: &Path, error: &PushError) {
        let for_content = is_about_content(error.kind());
        let mut desk = self.shared.desk();
        let is_live = desk.live.as_ref().is_some_and(|live| live.path == *path);
        let known = desk.queue.refused(path, self.now(), for_content, error.clone());
        drop(desk);
        if !known {
            let next = match error.kind() {
                PushErrorKind::Stopped => "nothing more is pushed",
                _ if is_live => "trying again at the next interval",
                _ => "not trying again",
            };
            log::warn!("{}; {next}", in_full(error));
        }
    }
}

/// An attempt that failed, in parts and in words.
#[derive(Debug)]
struct Failed {
    setback: Setback,
    error: PushError,
}

fn outcome(setback: &Setback) -> Outcome {
    if setback.retry { Outcome::Failed { after: setback.after } } else { Outcome::Refused }
}

/// Whether a gateway that did not acknowledge may have taken what it was sent, or still will.
fn fate(kind: PushErrorKind) -> Fate {
    match kind {
        // 502 and 504 are of proxies, which may have passed it on.
        PushErrorKind::Timeout | PushErrorKind::Dropped | PushErrorKind::Unavailable(502 | 504) => {
            Fate::Unknown
        }
        _ => Fate::NotTaken,
    }
}

/// Whether a refusal is due to the body, so that another body may be taken.
fn is_about_content(kind: PushErrorKind) -> bool {
    matches!(
        kind,
        PushErrorKind::Refused(400 | 413 | 422)
            | PushErrorKind::Dropped
            | PushErrorKind::TooLarge
            | PushErrorKind::Encode
    )
}
