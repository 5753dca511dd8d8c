//! Decides what a gateway's thread does next. The decision is a pure function of the time and of what
//! has happened so far.
//!
//! The first rule that applies counts:
//! 1. The thread was told to end. It sends what there is to send, and retries, until nothing is left or
//!    the deadline has come.
//! 2. The next regular push is due. The thread queues it.
//! 3. Something is to be sent, and no wait after a failure is running. The thread makes an attempt.
//! 4. Otherwise the thread waits until one of these rules applies.

use std::time::{Duration, Instant};

use prompush_core::clock::WAIT_MAX;

use crate::exchange::{Outcome, Retries, RetryDecision, RetryPolicy};

/// How early or late a regular push may come, as a part of the interval. It spreads the pushes of
/// programs that were started together.
const JITTER: f64 = 0.05;

/// The next action of the thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Queue the regular push, which is due.
    Regular,
    /// Make an attempt with the next group.
    Send {
        /// The time for the attempt.
        timeout: Duration,
    },
    /// Wait until this time, or until the owner wakes the thread.
    Wait(Instant),
    /// End the thread.
    End,
}

/// The schedule of one gateway's thread.
#[derive(Debug)]
pub(crate) struct Schedule {
    attempt_timeout: Duration,
    /// After a failure, the time before which nothing is sent.
    earliest_retry: Instant,
    retries: Retries,
    regular: Option<Regular>,
    /// The latest deadline of the running flushes.
    flush_until: Option<Instant>,
    /// When the thread must have ended; `None` until it is told to end.
    end_by: Option<Instant>,
    /// Whether there is no time for another attempt before `end_by`.
    gave_up: bool,
}

/// The pushes that are due at every interval.
#[derive(Debug)]
struct Regular {
    interval: Duration,
    /// When the next push is due; `None` while one is queued or in flight.
    next: Option<Instant>,
    /// Whether a push was acknowledged already.
    has_succeeded: bool,
}

impl Schedule {
    pub(crate) fn new(now: Instant, attempt_timeout: Duration, retry_policy: &RetryPolicy) -> Self {
        Self {
            attempt_timeout: attempt_timeout.min(WAIT_MAX),
            earliest_retry: now,
            retries: Retries::new(retry_policy, now),
            regular: None,
            flush_until: None,
            end_by: None,
            gave_up: false,
        }
    }

    /// Adds regular pushes. The first is due at once.
    pub(crate) fn with_interval(mut self, now: Instant, interval: Duration) -> Self {
        // The jitter may add to the interval.
        let interval = interval.min(WAIT_MAX / 2);
        self.regular = Some(Regular { interval, next: Some(now), has_succeeded: false });
        self
    }

    /// Decides what to do at `now`. `to_send` tells whether the queue has something to send.
    pub(crate) fn next_action(&self, now: Instant, to_send: bool) -> Action {
        if let Some(end_by) = self.end_by {
            let unacknowledged = end_by.saturating_duration_since(now);
            return if !to_send || self.gave_up || unacknowledged.is_zero() {
                Action::End
            } else if self.earliest_retry <= now {
                Action::Send { timeout: self.attempt_timeout.min(unacknowledged) }
            } else {
                Action::Wait(self.earliest_retry.min(end_by))
            };
        }
        let regular = self.regular.as_ref().and_then(|regular| regular.next);
        if regular.is_some_and(|next| next <= now) {
            Action::Regular
        } else if to_send && self.earliest_retry <= now {
            Action::Send { timeout: self.attempt_timeout }
        } else {
            let retry = to_send.then_some(self.earliest_retry);
            let next = regular.into_iter().chain(retry).min();
            Action::Wait(next.or_else(|| now.checked_add(WAIT_MAX)).unwrap_or(now))
        }
    }

    /// Records that the regular push is queued.
    pub(crate) fn regular_queued(&mut self) {
        if let Some(regular) = &mut self.regular {
            regular.next = None;
        }
    }

    /// Records that the regular push was acknowledged or refused, and plans the next one.
    ///
    /// After the first acknowledgement the next push is due after a random part of the interval, so that
    /// a thousand programs which start at once spread over it. Later pushes are due after the interval,
    /// give or take [`JITTER`].
    pub(crate) fn regular_ended(
        &mut self,
        now: Instant,
        acknowledged: bool,
        rng: &mut fastrand::Rng,
    ) {
        let Some(regular) = &mut self.regular else { return };
        let part = if regular.has_succeeded {
            1.0 - JITTER + 2.0 * JITTER * rng.f64()
        } else {
            1.0 - rng.f64()
        };
        regular.next = Some(now + regular.interval.mul_f64(part));
        regular.has_succeeded |= acknowledged;
    }

    /// Records a flush with that deadline: everything is sent at once.
    pub(crate) fn flush(&mut self, now: Instant, until: Instant) {
        self.flush_until = Some(self.flush_until.map_or(until, |other| other.max(until)));
        self.earliest_retry = now;
        self.retries.reset();
    }

    /// Records that the thread is to end by `end_by`: everything is sent at once.
    pub(crate) fn end(&mut self, now: Instant, end_by: Instant) {
        self.end_by = Some(end_by);
        self.earliest_retry = now;
        self.retries.reset();
    }

    /// Records the outcome of an attempt.
    pub(crate) fn attempted(&mut self, now: Instant, outcome: Outcome, rng: &mut fastrand::Rng) {
        let Outcome::Failed { retry_after } = outcome else {
            self.retries.reset();
            self.earliest_retry = now;
            return;
        };
        self.flush_until = self.flush_until.filter(|until| *until > now);
        let deadline = self.end_by.or(self.flush_until);
        let wait = match self.retries.after_failure(now, deadline, retry_after, rng) {
            RetryDecision::Wait(wait) => wait,
            RetryDecision::GiveUp { wait } => {
                self.gave_up = self.end_by.is_some();
                wait
            }
        };
        self.earliest_retry = now + wait;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prompush_core::clock::{Clock, ManualClock};

    const INTERVAL: Duration = Duration::from_secs(30);
    const ATTEMPT: Duration = Duration::from_secs(10);
    const MIN: Duration = Duration::from_millis(100);
    const MAX: Duration = Duration::from_secs(30);
    const SECOND: Duration = Duration::from_secs(1);
    const FAILED: Outcome = Outcome::Failed { retry_after: None };

    /// A schedule of regular pushes with its clock and its random source.
    struct Scenario {
        clock: ManualClock,
        schedule: Schedule,
        rng: fastrand::Rng,
        to_send: bool,
    }

    impl Scenario {
        fn new(seed: u64) -> Self {
            let clock = ManualClock::new();
            let schedule = Schedule::new(
                clock.now(),
                ATTEMPT,
                &RetryPolicy::default().delay_min(MIN).delay_max(MAX),
            );
            let schedule = schedule.with_interval(clock.now(), INTERVAL);
            Self { clock, schedule, rng: fastrand::Rng::with_seed(seed), to_send: false }
        }

        fn action(&mut self) -> Action {
            let action = self.schedule.next_action(self.clock.now(), self.to_send);
            if action != Action::Regular {
                return action;
            }
            self.to_send = true;
            self.schedule.regular_queued();
            self.schedule.next_action(self.clock.now(), self.to_send)
        }

        fn attempted(&mut self, outcome: Outcome) {
            self.action();
            let now = self.clock.now();
            self.schedule.attempted(now, outcome, &mut self.rng);
            if outcome == Outcome::Acknowledged || outcome == Outcome::Refused {
                let acknowledged = outcome == Outcome::Acknowledged;
                self.schedule.regular_ended(now, acknowledged, &mut self.rng);
                self.to_send = false;
            }
        }

        /// Moves the clock to the end of the next wait, and returns the length of the wait.
        fn wait(&mut self) -> Duration {
            let action = self.action();
            let Action::Wait(until) = action else { panic!("{action:?}") };
            let wait = until - self.clock.now();
            self.clock.advance(wait);
            wait
        }

        fn flush(&mut self, deadline: Duration) {
            let now = self.clock.now();
            self.to_send = true;
            self.schedule.flush(now, now + deadline);
        }

        fn end(&mut self, deadline: Duration) {
            let now = self.clock.now();
            self.to_send = true;
            self.schedule.end(now, now + deadline);
        }
    }

    #[test]
    fn first_push_at_once_then_every_interval() {
        let mut scenario = Scenario::new(1);
        assert_eq!(scenario.action(), Action::Send { timeout: ATTEMPT });
        scenario.attempted(Outcome::Acknowledged);
        assert!(scenario.wait() <= INTERVAL);
        for _ in 0..100 {
            assert_eq!(scenario.action(), Action::Send { timeout: ATTEMPT });
            scenario.attempted(Outcome::Acknowledged);
            let wait = scenario.wait().as_secs_f64();
            assert!((28.5..31.5).contains(&wait), "{wait}");
        }
    }

    /// Counts the pushes of a thousand pushers that start at once, for each of the first `seconds`. The
    /// gateway fails until `down_until`.
    fn pushes_per_second(seconds: usize, down_until: Duration) -> Vec<usize> {
        let mut pushes = vec![0; seconds];
        for seed in 0..1000 {
            let mut scenario = Scenario::new(seed);
            while let Some(count) = usize::try_from(scenario.clock.elapsed().as_secs())
                .ok()
                .and_then(|at| pushes.get_mut(at))
            {
                *count += 1;
                let is_down = scenario.clock.elapsed() < down_until;
                scenario.attempted(if is_down { FAILED } else { Outcome::Acknowledged });
                scenario.wait();
            }
        }
        pushes
    }

    /// Prints a row for each ten seconds; see it by `cargo test -p prompush a_thousand -- --nocapture`.
    fn show(title: &str, pushes: &[usize]) {
        println!("{title}: pushes in each second");
        for (row, counts) in pushes.chunks(10).enumerate() {
            let counts: Vec<String> = counts.iter().map(|count| format!("{count:4}")).collect();
            println!("{:4} s {}", row * 10, counts.join(""));
        }
    }

    #[test]
    fn a_thousand_pushers_started_at_once_spread_over_the_interval() {
        let pushes = pushes_per_second(300, Duration::ZERO);
        show("a thousand pushers, every 30 s, started at once", &pushes);
        let (first, rest) = pushes.split_at(1);
        // All push at their start; after that a second has 33 on average.
        assert!(first[0] >= 1000);
        assert!(rest.iter().all(|count| (10..=60).contains(count)), "{rest:?}");
    }

    #[test]
    fn a_thousand_pushers_come_back_spread_when_their_gateway_does() {
        let pushes = pushes_per_second(300, SECOND * 60);
        show("the same, and the gateway is down for the first 60 s", &pushes);
        // During the outage the attempts become rare. When the gateway is back, they never come all at once.
        assert!(pushes[40..60].iter().all(|count| *count <= 130), "{:?}", &pushes[40..60]);
        assert!(pushes[60..].iter().all(|count| *count <= 130), "{:?}", &pushes[60..]);
        let last: usize = pushes[270..].iter().sum();
        assert!((900..1100).contains(&last), "all of them push again: {last}");
    }

    #[test]
    fn waits_grow_with_failures_and_a_success_resets_them() {
        let mut scenario = Scenario::new(2);
        for attempt in 0..20 {
            assert_eq!(scenario.action(), Action::Send { timeout: ATTEMPT });
            scenario.attempted(FAILED);
            let most = MIN.saturating_mul(2_u32.saturating_pow(attempt)).min(MAX);
            assert!(scenario.wait() <= most);
        }
        scenario.attempted(Outcome::Acknowledged);
        scenario.wait();
        scenario.attempted(FAILED);
        assert!(scenario.wait() <= MIN);
    }

    #[test]
    fn retry_after_of_the_gateway_is_honoured() {
        let mut scenario = Scenario::new(3);
        scenario.attempted(Outcome::Failed { retry_after: Some(SECOND * 17) });
        assert_eq!(scenario.wait(), SECOND * 17);
    }

    #[test]
    fn a_refusal_waits_for_the_next_interval() {
        let mut scenario = Scenario::new(4);
        scenario.attempted(Outcome::Acknowledged);
        scenario.wait();
        scenario.attempted(Outcome::Refused);
        assert!(scenario.wait() > SECOND * 28);
    }

    #[test]
    fn a_flush_pushes_at_once_and_again_until_its_deadline() {
        let mut scenario = Scenario::new(5);
        for _ in 0..15 {
            scenario.attempted(FAILED);
        }
        scenario.flush(SECOND * 5);
        let mut attempts = 0;
        while scenario.clock.elapsed() < SECOND * 5 {
            assert_eq!(scenario.action(), Action::Send { timeout: ATTEMPT });
            scenario.attempted(FAILED);
            attempts += 1;
            scenario.wait();
        }
        assert!((5..40).contains(&attempts), "{attempts}");
        // Nobody waits any more: back to waits of its own.
        for _ in 0..20 {
            scenario.attempted(FAILED);
            scenario.wait();
        }
        assert!(scenario.clock.elapsed() > SECOND * 60, "{:?}", scenario.clock.elapsed());
    }

    #[test]
    fn the_end_makes_a_last_push() {
        let mut scenario = Scenario::new(6);
        scenario.attempted(Outcome::Acknowledged);
        scenario.end(SECOND * 5);
        assert_eq!(scenario.action(), Action::Send { timeout: SECOND * 5 });
        scenario.clock.advance(SECOND);
        assert_eq!(scenario.action(), Action::Send { timeout: SECOND * 4 });
        scenario.attempted(Outcome::Acknowledged);
        assert_eq!(scenario.action(), Action::End);
    }

    #[test]
    fn the_end_comes_at_its_deadline_whatever_the_gateway_does() {
        for after in [None, Some(SECOND * 3), Some(SECOND * 60)] {
            for attempt_takes in [Duration::ZERO, MIN, SECOND * 2] {
                let mut scenario = Scenario::new(7);
                scenario.end(SECOND * 5);
                let mut attempts = 0;
                while scenario.action() != Action::End {
                    if let Action::Send { timeout } = scenario.action() {
                        attempts += 1;
                        scenario.clock.advance(attempt_takes.min(timeout));
                        scenario.attempted(Outcome::Failed { retry_after: after });
                    } else {
                        scenario.wait();
                    }
                }
                assert!(scenario.clock.elapsed() <= SECOND * 5, "{:?}", scenario.clock.elapsed());
                assert!((1..60).contains(&attempts), "{attempts}");
            }
        }
    }

    #[test]
    fn infinite_durations_do_not_overflow() {
        let clock = ManualClock::new();
        let max = Duration::MAX;
        let schedule =
            Schedule::new(clock.now(), max, &RetryPolicy::default().delay_min(max).delay_max(max));
        let mut schedule = schedule.with_interval(clock.now(), max);
        let mut rng = fastrand::Rng::with_seed(9);
        let outcomes = [Outcome::Acknowledged, FAILED, Outcome::Failed { retry_after: Some(max) }];
        for outcome in outcomes.iter().cycle().take(9) {
            schedule.regular_queued();
            schedule.attempted(clock.now(), *outcome, &mut rng);
            let failed = matches!(outcome, Outcome::Failed { .. });
            if !failed {
                schedule.regular_ended(clock.now(), true, &mut rng);
            }
            let action = schedule.next_action(clock.now(), failed);
            assert!(matches!(action, Action::Wait(_)), "{outcome:?}: {action:?}");
        }
    }

    #[test]
    fn the_end_does_not_retry_a_refusal() {
        let mut scenario = Scenario::new(8);
        scenario.end(SECOND * 5);
        scenario.attempted(Outcome::Refused);
        assert_eq!(scenario.action(), Action::End);
        let mut scenario = Scenario::new(8);
        scenario.end(Duration::ZERO);
        assert_eq!(scenario.action(), Action::End);
    }
}
