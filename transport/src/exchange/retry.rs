//! The one retry loop, and the one decision that it rests on.
//!
//! [`Retries::after_failure`] decides whether to wait for another attempt, and how long, or to give up. It
//! takes the time, the deadline and the wait that the server asked for; it reads no clock and does not
//! block. [`retry_until`] performs the decision on the caller's thread. The background thread uses the same
//! decision and does other work during the wait.

use std::time::{Duration, Instant};

use prompush_core::clock::{Clock, WAIT_MAX};

use crate::exchange::backoff::Backoff;

/// The least time before a deadline that is worth another attempt. With less, a slow moment of this
/// machine would pass for a slow gateway.
const ATTEMPT_TIME_MIN: Duration = Duration::from_millis(100);

/// How often a failed attempt is repeated, and how long the waits in between are.
///
/// The first wait is up to `delay_min`; each later one is up to twice as long as the one before, up
/// to `delay_max`.
///
/// ```
/// use std::time::Duration;
/// use prompush::RetryPolicy;
///
/// let policy = RetryPolicy::default().delay_max(Duration::from_secs(2)).attempts_max(Some(4));
/// assert_eq!(policy.delay_min, Duration::from_millis(100));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// The longest wait before the second attempt. Default: 100 ms.
    pub delay_min: Duration,
    /// The longest wait before any attempt. Default: 30 s.
    pub delay_max: Duration,
    /// How many attempts are made, the first included; `None` for as many as the deadline allows.
    /// Default: `None`.
    pub attempts_max: Option<u32>,
    /// Whether each wait is a random part of its longest ("full jitter"), so that many programs
    /// which lost the same server do not come back to it at the same moment. Default: `true`.
    pub jitter: bool,
}

prompush_core::config_setters! {
    RetryPolicy {
        delay_min: Duration,
        delay_max: Duration,
        attempts_max: Option<u32>,
        jitter: bool,
    }
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            delay_min: Duration::from_millis(100),
            delay_max: Duration::from_secs(30),
            attempts_max: None,
            jitter: true,
        }
    }
}

/// An attempt that failed, as far as it decides whether another follows.
#[derive(Debug)]
pub struct FailedAttempt<E> {
    /// Why the attempt failed. The last one is what [`retry`] returns.
    pub error: E,
    /// Whether the same attempt may succeed later.
    pub is_retryable: bool,
    /// How long the server asked the client to stay away (`Retry-After`).
    pub retry_after: Option<Duration>,
}

impl<E> FailedAttempt<E> {
    /// A failure that no later attempt can mend.
    pub fn permanent(error: E) -> Self {
        Self { error, is_retryable: false, retry_after: None }
    }
}

/// The decision after a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RetryDecision {
    /// Make another attempt after this time.
    Wait(Duration),
    /// Another attempt has no time left, or too many were made already.
    GiveUp {
        /// The wait that would have come next, for a caller that goes on for a reason of its own.
        wait: Duration,
    },
}

/// The attempts of one operation so far.
#[derive(Debug)]
pub(crate) struct Retries {
    backoff: Backoff,
    attempts_left: Option<u32>,
}

impl Retries {
    /// Nothing has been attempted yet. `now` may be any instant.
    pub(crate) fn new(policy: &RetryPolicy, now: Instant) -> Self {
        let backoff = Backoff::new(policy.delay_min, policy.delay_max, policy.jitter, now);
        Self { backoff, attempts_left: policy.attempts_max }
    }

    /// Forgets all failures: the next wait is the shortest again.
    pub(crate) fn reset(&mut self) {
        self.backoff.reset();
    }

    /// Decides what follows an attempt that failed at `now`.
    pub(crate) fn after_failure(
        &mut self,
        now: Instant,
        deadline: Option<Instant>,
        retry_after: Option<Duration>,
        rng: &mut fastrand::Rng,
    ) -> RetryDecision {
        let wait = retry_after.unwrap_or_else(|| self.backoff.next(rng)).min(WAIT_MAX);
        self.attempts_left = self.attempts_left.map(|left| left.saturating_sub(1));
        if self.attempts_left == Some(0) {
            return RetryDecision::GiveUp { wait };
        }
        let Some(deadline) = deadline else { return RetryDecision::Wait(wait) };
        let remaining = deadline.saturating_duration_since(now);
        match wait_before_deadline(wait, retry_after.is_some(), remaining) {
            Some(wait) => RetryDecision::Wait(wait),
            None => RetryDecision::GiveUp { wait },
        }
    }
}

/// Cuts a wait so that it leaves time for another attempt before the deadline, which is `remaining`
/// away; `None` when there is no time for one.
///
/// A wait of our own choice is cut to half of what remains, because an operation that was granted
/// 30 s should still try when the gateway comes back after 25 s. A wait that the server asked for is
/// never cut: an earlier attempt would be refused.
fn wait_before_deadline(
    wait: Duration,
    asked_by_server: bool,
    remaining: Duration,
) -> Option<Duration> {
    if remaining <= ATTEMPT_TIME_MIN {
        return None;
    }
    if asked_by_server {
        return (wait < remaining).then_some(wait);
    }
    Some(wait.min(remaining / 2))
}

/// Makes attempts until one succeeds, one fails for good, or `policy` and `deadline` allow no more.
///
/// `wait` blocks for the time that it is given, and may return early, so that the caller can be
/// interrupted. No attempt begins at or after `deadline`.
///
/// # Errors
///
/// The error of the last attempt.
pub fn retry<T, E>(
    policy: &RetryPolicy,
    deadline: Option<Instant>,
    clock: &dyn Clock,
    wait: impl FnMut(Duration),
    attempt: impl FnMut() -> Result<T, FailedAttempt<E>>,
) -> Result<T, E> {
    let retries = Retries::new(policy, clock.now());
    retry_until(deadline, retries, fastrand::Rng::new(), clock, wait, attempt)
}

/// As [`retry`], with the source of jitter passed in.
pub(crate) fn retry_until<T, E>(
    deadline: Option<Instant>,
    mut retries: Retries,
    mut rng: fastrand::Rng,
    clock: &dyn Clock,
    mut wait: impl FnMut(Duration),
    mut attempt: impl FnMut() -> Result<T, FailedAttempt<E>>,
) -> Result<T, E> {
    loop {
        let FailedAttempt { error, is_retryable, retry_after } = match attempt() {
            Ok(value) => return Ok(value),
            Err(failed) => failed,
        };
        if !is_retryable {
            return Err(error);
        }
        match retries.after_failure(clock.now(), deadline, retry_after, &mut rng) {
            RetryDecision::Wait(time) => wait(time),
            RetryDecision::GiveUp { .. } => return Err(error),
        }
        // `wait` may have done more than wait, and may have used up the time.
        if deadline.is_some_and(|deadline| clock.now() >= deadline) {
            return Err(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use prompush_core::clock::ManualClock;

    use super::*;

    const fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn waits_leave_time_for_another_attempt() {
        for (wait, asked, remaining, expected) in [
            (1000, false, 30_000, Some(1000)),
            (20_000, false, 30_000, Some(15_000)),
            (20_000, false, 101, Some(50)),
            (20_000, false, 100, None),
            (0, false, 101, Some(0)),
            (5000, true, 30_000, Some(5000)),
            (30_000, true, 30_000, None),
            (5000, true, 100, None),
        ] {
            assert_eq!(
                wait_before_deadline(ms(wait), asked, ms(remaining)),
                expected.map(|d: u64| if d == 50 { Duration::from_micros(50_500) } else { ms(d) }),
                "{wait} {asked} {remaining}"
            );
        }
    }

    #[test]
    fn attempts_are_counted_and_waits_may_be_without_jitter() {
        let policy = RetryPolicy::default().delay_min(ms(500)).delay_max(ms(2000)).jitter(false);
        let policy = policy.attempts_max(Some(4));
        let (clock, mut attempts, mut waits) = (ManualClock::new(), 0, Vec::new());
        let result: Result<(), u32> = retry(
            &policy,
            None,
            &clock,
            |time| waits.push(time),
            || {
                attempts += 1;
                Err(FailedAttempt { error: attempts, is_retryable: true, retry_after: None })
            },
        );
        assert_eq!(result, Err(4));
        assert_eq!(waits, [ms(500), ms(1000), ms(2000)]);
    }
}
