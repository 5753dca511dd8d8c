//! The work of a gateway's thread: a loop that performs what the
//! [`Schedule`](crate::background::schedule::Schedule) decides, on the groups of the
//! [`Queue`](crate::background::queue::Queue).

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use crate::background::gathered_group::GatheredGroup;
use crate::background::group_state::Delivery;
use crate::background::queue::NextRequest;
use crate::background::schedule::Action;
use crate::background::shared_state::{Health, SharedState};
use crate::background::wakeup::Wakeups;
use crate::error::{PushError, PushErrorKind, Verb, with_causes};
use crate::exchange::{AttemptError, Operation, Outcome, read_acknowledgement};
use crate::group_key::AnyGroupingKey;
use crate::payload::EncodedBody;
use crate::spool::with_spooled;

/// Everything that the thread owns.
#[derive(Debug)]
pub(crate) struct Worker {
    shared: Arc<SharedState>,
    wakeups: Wakeups,
    rng: fastrand::Rng,
}

impl Worker {
    pub(crate) fn new(shared: Arc<SharedState>, wakeups: Wakeups) -> Self {
        let rng = (shared.connection.rng)();
        Self { shared, wakeups, rng }
    }

    /// Runs until the schedule says that it is time to end.
    pub(crate) fn run(mut self) {
        loop {
            let mut state = self.shared.lock();
            let action = state.schedule.next_action(self.now(), state.queue.has_next());
            match action {
                Action::Regular => {
                    state.schedule.regular_queued();
                    if let Some(key) = state.gathered.as_ref().map(|group| group.key.clone()) {
                        state.queue.enqueue(&key);
                    }
                }
                Action::Send { timeout } => {
                    let key = state.queue.next().cloned();
                    let gathered = state.gathered.clone();
                    drop(state);
                    let Some(key) = key else { continue };
                    let gathered = gathered.filter(|group| group.key == key);
                    match gathered.map_or(Ok(()), |group| self.gather(&group)) {
                        Ok(()) => self.attempt(&key, timeout),
                        Err(PushErrorKind::Stopped) => return,
                        Err(_) => {}
                    }
                }
                Action::Wait(until) => {
                    drop(state);
                    self.wakeups.wait_until(until);
                }
                Action::End => return,
            }
        }
    }

    fn now(&self) -> Instant {
        self.shared.connection.clock.now()
    }

    /// Gathers the group. A source that cannot be encoded counts as a refusal.
    fn gather(&mut self, gathered: &GatheredGroup) -> Result<(), PushErrorKind> {
        let Err(attempt_error) = self.shared.gather(gathered) else { return Ok(()) };
        let operation = Operation::on_group(Verb::Push, &gathered.key);
        let error = self.shared.connection.error(&operation, &attempt_error, 0);
        self.refused(&gathered.key, &error);
        let now = self.now();
        let mut state = self.shared.lock();
        state.schedule.regular_ended(now, false, &mut self.rng);
        state.notify_flush_waiters();
        Err(attempt_error.kind)
    }

    /// Sends the next request of a group, and records what became of it.
    fn attempt(&mut self, key: &AnyGroupingKey, timeout: Duration) {
        let request = self.shared.lock().queue.send(key);
        let outcome = match self.send(key, request.as_ref(), timeout) {
            Ok(None) => return,
            Ok(Some(created)) => {
                self.acknowledged(key, created);
                Outcome::Acknowledged
            }
            Err(failed) if request.is_none() => self.replay_failed(key, &failed),
            Err(failed) => self.failed(key, *failed),
        };
        let now = self.now();
        let mut state = self.shared.lock();
        state.schedule.attempted(now, outcome, &mut self.rng);
        let is_gathered = state.gathered.as_ref().is_some_and(|group| group.key == *key);
        if is_gathered && !matches!(outcome, Outcome::Failed { .. }) {
            let acknowledged = outcome == Outcome::Acknowledged;
            state.schedule.regular_ended(now, acknowledged, &mut self.rng);
        }
        state.notify_flush_waiters();
    }

    /// Sends a request of a group, merged with what the spool keeps of the group. Without a request only
    /// the spooled state is sent.
    ///
    /// Returns when the newest part of the sent change was created; `None` when there was nothing to send.
    fn send(
        &self,
        key: &AnyGroupingKey,
        request: Option<&NextRequest>,
        timeout: Duration,
    ) -> Result<Option<SystemTime>, Box<FailedRequest>> {
        let connection = &self.shared.connection;
        let mut deadline = self.now() + timeout;
        let failed = |operation: &Operation<'_>, attempt_error: AttemptError, attempts| {
            let error = connection.error(operation, &attempt_error, attempts);
            Box::new(FailedRequest { attempt_error, error })
        };
        let own = request.map(|request| request.batch.change.clone());
        let spool = self.shared.spool.as_ref().map(|spool| &spool.spool);
        let to_send = with_spooled(spool, connection, key, own, |operation, read| {
            let listed = connection.attempt(operation, timeout, 0, read);
            listed.map_err(|attempt_error| failed(operation, attempt_error, 1))
        })?;
        let Some(change) = to_send.change else { return Ok(None) };
        let mut operation = Operation::on_group(change.verb(), key);
        let options = connection.config.body_options();
        let body = EncodedBody::of_change(&change, options).map_err(|(kind, cause)| {
            failed(&operation, AttemptError::nothing_sent(kind, cause), 0)
        })?;
        operation.body = body.as_ref();
        let config = &connection.config;
        if timeout == config.attempt_timeout {
            // No deadline has cut the timeout, so a large body gets its extra time.
            let whole = config.attempt_timeout_for(operation.body_bytes());
            deadline += whole.saturating_sub(timeout);
        }
        for _ in 0..to_send.send_count {
            self.attempt_and_count(&operation, deadline, request)
                .map_err(|attempt_error| failed(&operation, attempt_error, 1))?;
        }
        Ok(request.map(|request| request.batch.created).or(to_send.spooled_created))
    }

    /// Makes one request, and counts it in the metrics.
    fn attempt_and_count(
        &self,
        operation: &Operation<'_>,
        deadline: Instant,
        request: Option<&NextRequest>,
    ) -> Result<(), AttemptError> {
        let start = self.now();
        let dropped = request.map_or(0, |request| request.dropped);
        let timeout = deadline.saturating_duration_since(start);
        let read = &read_acknowledgement;
        let result = self.shared.connection.attempt(operation, timeout, dropped, read);
        self.shared.metrics.attempted(
            result.as_ref().map_or_else(outcome, |_| Outcome::Acknowledged),
            request.is_some_and(|request| request.is_retry),
            self.now().saturating_duration_since(start),
            operation.body.map_or(0, |body| body.bytes.len()),
        );
        result.map(drop)
    }

    /// The spooled state of an earlier run was not acknowledged. It stays in the spool.
    fn replay_failed(&self, key: &AnyGroupingKey, failed: &FailedRequest) -> Outcome {
        let outcome = outcome(&failed.attempt_error);
        if outcome == Outcome::Refused {
            log::warn!("{}; it stays in the spool", with_causes(&failed.error));
        } else {
            self.shared.lock().queue.add_from_earlier_run(key);
        }
        outcome
    }

    fn acknowledged(&self, key: &AnyGroupingKey, created: SystemTime) {
        let now = self.now();
        let url = self.shared.connection.url.redacted(key.path());
        let mut state = self.shared.lock();
        let refused = state.queue.acknowledged(key);
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
        let wall = self.shared.connection.clock.wall();
        self.shared.metrics.acknowledged(self.shared.gateway, wall);
        if let Some(spool) = &self.shared.spool {
            spool.remove_obsolete(key, created);
            self.shared.count_spooled(spool);
        }
        if let Some(since) = refused.into_iter().chain(unavailable).min() {
            let outage = now.saturating_duration_since(since);
            log::info!("pushing to `{url}` works again, after {outage:.1?}");
        }
    }

    fn failed(&self, key: &AnyGroupingKey, failed: FailedRequest) -> Outcome {
        let FailedRequest { attempt_error, error } = failed;
        let outcome = outcome(&attempt_error);
        if outcome == Outcome::Refused {
            self.refused(key, &error);
            return outcome;
        }
        let mut state = self.shared.lock();
        let is_logged = matches!(state.health, Health::Unavailable(_));
        if !is_logged {
            state.health = Health::Unavailable(self.now());
        }
        let message = (!is_logged).then(|| with_causes(&error));
        state.queue.failed(key, delivery(attempt_error.kind), attempt_error.dropped, error);
        drop(state);
        if let Some(message) = message {
            log::warn!("{message}; trying again, with growing waits");
        }
        outcome
    }

    fn refused(&self, key: &AnyGroupingKey, error: &PushError) {
        let for_content = is_about_content(error.kind());
        let mut state = self.shared.lock();
        let is_gathered = state.gathered.as_ref().is_some_and(|group| group.key == *key);
        let was_refused = state.queue.refused(key, self.now(), for_content, error.clone());
        drop(state);
        if !was_refused {
            let next = match error.kind() {
                PushErrorKind::Stopped => "nothing more is pushed",
                _ if is_gathered => "trying again at the next interval",
                _ => "not trying again",
            };
            log::warn!("{}; {next}", with_causes(error));
        }
    }
}

/// A request that failed, for decisions and as the error that users see.
#[derive(Debug)]
struct FailedRequest {
    attempt_error: AttemptError,
    error: PushError,
}

fn outcome(attempt_error: &AttemptError) -> Outcome {
    let retry_after = attempt_error.retry_after;
    if attempt_error.is_retryable { Outcome::Failed { retry_after } } else { Outcome::Refused }
}

/// Whether a gateway that did not acknowledge may have taken the request, or may still take it.
fn delivery(kind: PushErrorKind) -> Delivery {
    match kind {
        // 502 and 504 come from proxies, which may have passed the request on.
        PushErrorKind::Timeout | PushErrorKind::Dropped | PushErrorKind::Unavailable(502 | 504) => {
            Delivery::Unknown
        }
        _ => Delivery::NotTaken,
    }
}

/// Whether a refusal is about the body, so that the gateway might take another body.
fn is_about_content(kind: PushErrorKind) -> bool {
    matches!(
        kind,
        PushErrorKind::Refused(400 | 413 | 422)
            | PushErrorKind::Dropped
            | PushErrorKind::TooLarge
            | PushErrorKind::Encode
    )
}
