//! A gateway's thread: a thin loop that does what [`Schedule`](crate::background::schedule::Schedule) says with
//! what the [`Queue`](crate::background::queue::Queue) holds.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use crossbeam_channel::Receiver;

use crate::background::group_state::Delivery;
use crate::background::queue::{NextRequest, Path};
use crate::background::schedule::Action;
use crate::background::shared_state::{GatheredGroup, Health, SharedState};
use crate::error::kind::PushErrorKind;
use crate::error::push_error::{PushError, with_causes};
use crate::error::verb::Verb;
use crate::exchange::answer::read_acknowledgement;
use crate::exchange::attempt_error::AttemptError;
use crate::exchange::operation::Operation;
use crate::exchange::outcome::Outcome;
use crate::payload::body::EncodedBody;
use crate::spool::replay::with_spooled;

/// Everything the thread owns.
#[derive(Debug)]
pub(crate) struct Worker {
    shared: Arc<SharedState>,
    woken: Receiver<()>,
    rng: fastrand::Rng,
}

impl Worker {
    /// Wakes up when it is called.
    pub(crate) fn new(shared: Arc<SharedState>, woken: Receiver<()>) -> Self {
        let rng = (shared.connection.rng)();
        Self { shared, woken, rng }
    }

    /// Runs until told to end.
    pub(crate) fn run(mut self) {
        loop {
            let mut state = self.shared.lock();
            let action = state.schedule.next_action(self.now(), state.queue.has_next());
            match action {
                Action::Regular => {
                    state.schedule.regular_queued();
                    if let Some(path) =
                        state.gathered.as_ref().map(|gathered| Arc::clone(&gathered.path))
                    {
                        state.queue.queue(&path);
                    }
                }
                Action::Send { timeout } => {
                    let path = state.queue.next().cloned();
                    let gathered = state
                        .gathered
                        .clone()
                        .filter(|gathered| Some(&gathered.path) == path.as_ref());
                    drop(state);
                    let Some(path) = path else { continue };
                    match gathered.map_or(Ok(()), |gathered| self.gather(&gathered)) {
                        Ok(()) => self.attempt(&path, timeout),
                        Err(PushErrorKind::Stopped) => return,
                        Err(_) => {}
                    }
                }
                Action::Wait(until) => {
                    drop(state);
                    self.woken.recv_deadline(until).ok(); // it was called, or it is time
                }
                Action::End => return,
            }
        }
    }

    fn now(&self) -> Instant {
        self.shared.connection.clock.now()
    }

    /// Gathers the state of now; what cannot be encoded is refused.
    fn gather(&mut self, gathered: &GatheredGroup) -> Result<(), PushErrorKind> {
        let Err(attempt_error) = self.shared.gather(gathered) else { return Ok(()) };
        let connection = &self.shared.connection;
        let operation = Operation { verb: Verb::Push, path: &gathered.path, body: None };
        self.refused(&gathered.path, &connection.error(&operation, &attempt_error, 0));
        let now = self.now();
        let mut state = self.shared.lock();
        state.schedule.regular_ended(now, false, &mut self.rng);
        state.notify_waiters();
        Err(attempt_error.kind)
    }

    /// One request with what there is of that group.
    fn attempt(&mut self, path: &Path, timeout: Duration) {
        let sending = self.shared.lock().queue.send(path);
        let outcome = match self.ask(path, sending.as_ref(), timeout) {
            Ok(None) => return,
            Ok(Some(created)) => {
                self.acknowledged(path, created);
                Outcome::Acknowledged
            }
            Err(failed) if sending.is_none() => self.not_replayed(path, &failed),
            Err(failed) => self.failed(path, *failed),
        };
        let now = self.now();
        let mut state = self.shared.lock();
        state.schedule.attempted(now, outcome, &mut self.rng);
        let is_live = state.gathered.as_ref().is_some_and(|gathered| gathered.path == *path);
        if is_live && !matches!(outcome, Outcome::Failed { .. }) {
            let acknowledged = outcome == Outcome::Acknowledged;
            state.schedule.regular_ended(now, acknowledged, &mut self.rng);
        }
        state.notify_waiters();
    }

    /// Sends what there is of a group, with what is kept of it. Returns when the newest part of it
    /// was made; `None` if there was nothing to send.
    fn ask(
        &self,
        path: &Path,
        sending: Option<&NextRequest>,
        timeout: Duration,
    ) -> Result<Option<SystemTime>, Box<Failed>> {
        let connection = &self.shared.connection;
        let mut by = self.now() + timeout;
        let failed = |operation: &Operation<'_>, attempt_error: AttemptError, attempts| {
            let error = connection.error(operation, &attempt_error, attempts);
            Box::new(Failed { attempt_error, error })
        };
        let own = sending.map(|sending| sending.batch.state.clone());
        let spool = self.shared.spool.as_ref().map(|gateway_spool| &gateway_spool.spool);
        let combined = with_spooled(spool, connection, path, own, |operation, read| {
            let answered = connection.attempt(operation, timeout, 0, read);
            answered.map_err(|attempt_error| failed(operation, attempt_error, 1))
        })?;
        let Some(state) = combined.state else { return Ok(None) };
        let mut operation = Operation { verb: state.verb(), path, body: None };
        let body = state.families().map(|families| EncodedBody::new(families, &connection.config));
        let body = body.transpose().map_err(|(kind, cause)| {
            failed(&operation, AttemptError::nothing_sent(kind, cause), 0)
        })?;
        operation.body = body.as_ref();
        if timeout == connection.config.attempt_timeout {
            // No deadline has cut it.
            let bytes = body.as_ref().map_or(0, |body| body.http().bytes.len());
            by += connection.config.attempt_timeout_for(bytes).saturating_sub(timeout);
        }
        for _ in 0..combined.send_count {
            let result = self.attempt_counted(&operation, by, sending);
            result.map_err(|attempt_error| failed(&operation, attempt_error, 1))?;
        }
        Ok(sending.map(|sending| sending.batch.created).or(combined.spooled_created))
    }

    /// One request, and what it was for the metrics.
    fn attempt_counted(
        &self,
        operation: &Operation<'_>,
        by: Instant,
        sending: Option<&NextRequest>,
    ) -> Result<(), AttemptError> {
        let start = self.now();
        let dropped = sending.map_or(0, |sending| sending.dropped);
        let unacknowledged = by.saturating_duration_since(start);
        let result = self.shared.connection.attempt(
            operation,
            unacknowledged,
            dropped,
            &read_acknowledgement,
        );
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
        let outcome = outcome(&failed.attempt_error);
        if outcome == Outcome::Refused {
            log::warn!("{}; it stays in the spool", with_causes(&failed.error));
        } else {
            self.shared.lock().queue.add_from_earlier_run(path);
        }
        outcome
    }

    fn acknowledged(&self, path: &Path, created: SystemTime) {
        let now = self.now();
        let url = self.shared.connection.url.redacted(path);
        let mut state = self.shared.lock();
        let refused = state.queue.acknowledged(path).and_then(|(_, refused)| refused);
        let unavailable = match state.health {
            Health::Unavailable(since) => Some(since),
            Health::Good => None,
            Health::Unknown => {
                log::debug!("pushing to `{url}`");
                None
            }
        };
        state.health = Health::Good;
        drop(state);
        self.shared.metrics.acknowledged(self.shared.gateway, self.shared.connection.clock.wall());
        if let Some(gateway_spool) = &self.shared.spool {
            gateway_spool.remove_obsolete(path, created);
            self.shared.count_spooled(gateway_spool);
        }
        if let Some(since) = refused.into_iter().chain(unavailable).min() {
            let outage = now.saturating_duration_since(since);
            log::info!("pushing to `{url}` works again, after {outage:.1?}");
        }
    }

    fn failed(&self, path: &Path, failed: Failed) -> Outcome {
        let Failed { attempt_error, error } = failed;
        let outcome = outcome(&attempt_error);
        if outcome == Outcome::Refused {
            self.refused(path, &error);
            return outcome;
        }
        let mut state = self.shared.lock();
        let known = matches!(state.health, Health::Unavailable(_));
        if !known {
            state.health = Health::Unavailable(self.now());
        }
        let words = (!known).then(|| with_causes(&error));
        state.queue.failed(path, delivery(attempt_error.kind), attempt_error.dropped, error);
        drop(state);
        if let Some(words) = words {
            log::warn!("{words}; trying again, with growing waits");
        }
        outcome
    }

    fn refused(&self, path: &Path, error: &PushError) {
        let for_content = is_about_content(error.kind());
        let mut state = self.shared.lock();
        let is_live = state.gathered.as_ref().is_some_and(|gathered| gathered.path == *path);
        let known = state.queue.refused(path, self.now(), for_content, error.clone());
        drop(state);
        if !known {
            let next = match error.kind() {
                PushErrorKind::Stopped => "nothing more is pushed",
                _ if is_live => "trying again at the next interval",
                _ => "not trying again",
            };
            log::warn!("{}; {next}", with_causes(error));
        }
    }
}

/// An attempt that failed, in parts and in words.
#[derive(Debug)]
struct Failed {
    attempt_error: AttemptError,
    error: PushError,
}

fn outcome(attempt_error: &AttemptError) -> Outcome {
    if attempt_error.is_retryable {
        Outcome::Failed { retry_after: attempt_error.retry_after }
    } else {
        Outcome::Refused
    }
}

/// Whether a gateway that did not acknowledge may have taken what it was sent, or still will.
fn delivery(kind: PushErrorKind) -> Delivery {
    match kind {
        // 502 and 504 are of proxies, which may have passed it on.
        PushErrorKind::Timeout | PushErrorKind::Dropped | PushErrorKind::Unavailable(502 | 504) => {
            Delivery::Unknown
        }
        _ => Delivery::NotTaken,
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
