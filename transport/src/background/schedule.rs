//! What a gateway's thread does next: a pure function of the time and what has happened so far.
//!
//! The rules, first match wins:
//! 1. Told to end: what there is to send, repeated after a wait while it may still succeed, until
//!    nothing is left or the deadline has come.
//! 2. The time of the next regular push has come: it is to be sent.
//! 3. Something is to be sent, and no wait after a failure holds it back: an attempt.
//! 4. Else: wait until that changes.

use std::time::{Duration, Instant};

use crate::exchange::outcome::Outcome;
use crate::exchange::retry::{Retries, RetryDecision, RetryPolicy};
use prompush_core::clock::WAIT_MAX;

/// Regular pushes come this much of the interval early or late, at most, so that programs started
/// together do not stay together.
const JITTER: f64 = 0.05;

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// A regular push is due: queue it.
    Regular,
    /// Send what is next, with that much time for the attempt.
    Send { timeout: Duration },
    /// Wait for something to do, until then.
    Wait(Instant),
    /// Nothing is left to do.
    End,
}

#[derive(Debug)]
pub(crate) struct Schedule {
    attempt_timeout: Duration,
    /// After a failure nothing is sent before then.
    earliest_retry: Instant,
    retries: Retries,
    regular: Option<Regular>,
    /// The latest deadline of those who wait for an acknowledgement.
    flush_until: Option<Instant>,
    /// When to have ended.
    end_by: Option<Instant>,
    /// Whether what is left cannot be sent before `end_by`.
    gave_up: bool,
}

/// Pushes that come by themselves.
#[derive(Debug)]
struct Regular {
    interval: Duration,
    /// `None` while one is on its way.
    next: Option<Instant>,
    /// Whether one was acknowledged already.
    settled: bool,
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

    /// With regular pushes, the first one at once.
    pub(crate) fn with_interval(mut self, now: Instant, interval: Duration) -> Self {
        // Jitter adds to it.
        let interval = interval.min(WAIT_MAX / 2);
        self.regular = Some(Regular { interval, next: Some(now), settled: false });
        self
    }

    /// `to_send`: whether anything is to be sent.
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

    /// The regular push is queued.
    pub(crate) fn regular_queued(&mut self) {
        if let Some(regular) = &mut self.regular {
            regular.next = None;
        }
    }

    /// The regular push has ended, well or not: the next one is due an interval from now.
    ///
    /// After the first acknowledgement it is due after any part of the interval, so that a thousand
    /// programs started at once spread over it; then after the interval, nearly.
    pub(crate) fn regular_ended(
        &mut self,
        now: Instant,
        acknowledged: bool,
        rng: &mut fastrand::Rng,
    ) {
        let Some(regular) = &mut self.regular else { return };
        let part =
            if regular.settled { 1.0 - JITTER + 2.0 * JITTER * rng.f64() } else { 1.0 - rng.f64() };
        regular.next = Some(now + regular.interval.mul_f64(part));
        regular.settled |= acknowledged;
    }

    /// Somebody wants everything acknowledged by `until`: whatever there is, is sent at once.
    pub(crate) fn flush(&mut self, now: Instant, until: Instant) {
        self.flush_until = Some(self.flush_until.map_or(until, |other| other.max(until)));
        self.earliest_retry = now;
        self.retries.reset();
    }

    /// Told to end by `end_by`: whatever there is, is sent at once.
    pub(crate) fn end(&mut self, now: Instant, end_by: Instant) {
        self.end_by = Some(end_by);
        self.earliest_retry = now;
        self.retries.reset();
    }

    /// An attempt has ended.
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

    /// A schedule of regular pushes, its clock and its dice.
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

        /// Moves the clock to the end of the wait that is next, and says how long it was.
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
        let mut play = Scenario::new(1);
        assert_eq!(play.action(), Action::Send { timeout: ATTEMPT });
        play.attempted(Outcome::Acknowledged);
        assert!(play.wait() <= INTERVAL);
        for _ in 0..100 {
            assert_eq!(play.action(), Action::Send { timeout: ATTEMPT });
            play.attempted(Outcome::Acknowledged);
            let wait = play.wait().as_secs_f64();
            assert!((28.5..31.5).contains(&wait), "{wait}");
        }
    }

    /// When a thousand pushers that start at once push within `seconds`, per second. The gateway
    /// fails until `down_until`.
    fn pushes_per_second(seconds: usize, down_until: Duration) -> Vec<usize> {
        let mut pushes = vec![0; seconds];
        for seed in 0..1000 {
            let mut play = Scenario::new(seed);
            while let Some(count) = usize::try_from(play.clock.elapsed().as_secs())
                .ok()
                .and_then(|at| pushes.get_mut(at))
            {
                *count += 1;
                let is_down = play.clock.elapsed() < down_until;
                play.attempted(if is_down { FAILED } else { Outcome::Acknowledged });
                play.wait();
            }
        }
        pushes
    }

    /// A row of a histogram for each ten seconds. `cargo test -p prompush a_thousand -- --nocapture`
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
        // In its outage they ask less and less; when it is back, never all at once.
        assert!(pushes[40..60].iter().all(|count| *count <= 130), "{:?}", &pushes[40..60]);
        assert!(pushes[60..].iter().all(|count| *count <= 130), "{:?}", &pushes[60..]);
        let last: usize = pushes[270..].iter().sum();
        assert!((900..1100).contains(&last), "all of them push again: {last}");
    }

    #[test]
    fn failures_are_backed_off_from_and_a_success_forgets_them() {
        let mut play = Scenario::new(2);
        for attempt in 0..20 {
            assert_eq!(play.action(), Action::Send { timeout: ATTEMPT });
            play.attempted(FAILED);
            let most = MIN.saturating_mul(2_u32.saturating_pow(attempt)).min(MAX);
            assert!(play.wait() <= most);
        }
        play.attempted(Outcome::Acknowledged);
        play.wait();
        play.attempted(FAILED);
        assert!(play.wait() <= MIN);
    }

    #[test]
    fn a_gateway_that_asks_to_be_left_alone_is() {
        let mut play = Scenario::new(3);
        play.attempted(Outcome::Failed { retry_after: Some(SECOND * 17) });
        assert_eq!(play.wait(), SECOND * 17);
    }

    #[test]
    fn a_refusal_waits_for_the_next_interval() {
        let mut play = Scenario::new(4);
        play.attempted(Outcome::Acknowledged);
        play.wait();
        play.attempted(Outcome::Refused);
        assert!(play.wait() > SECOND * 28);
    }

    #[test]
    fn a_flush_pushes_at_once_and_again_until_its_deadline() {
        let mut play = Scenario::new(5);
        for _ in 0..15 {
            play.attempted(FAILED);
        }
        play.flush(SECOND * 5);
        let mut attempts = 0;
        while play.clock.elapsed() < SECOND * 5 {
            assert_eq!(play.action(), Action::Send { timeout: ATTEMPT });
            play.attempted(FAILED);
            attempts += 1;
            play.wait();
        }
        assert!((5..40).contains(&attempts), "{attempts}");
        // Nobody waits any more: back to waits of its own.
        for _ in 0..20 {
            play.attempted(FAILED);
            play.wait();
        }
        assert!(play.clock.elapsed() > SECOND * 60, "{:?}", play.clock.elapsed());
    }

    #[test]
    fn the_end_is_a_last_operation() {
        let mut play = Scenario::new(6);
        play.attempted(Outcome::Acknowledged);
        play.end(SECOND * 5);
        assert_eq!(play.action(), Action::Send { timeout: SECOND * 5 });
        play.clock.advance(SECOND);
        assert_eq!(play.action(), Action::Send { timeout: SECOND * 4 });
        play.attempted(Outcome::Acknowledged);
        assert_eq!(play.action(), Action::End);
    }

    #[test]
    fn the_end_comes_at_its_deadline_whatever_the_gateway_does() {
        for after in [None, Some(SECOND * 3), Some(SECOND * 60)] {
            for attempt_takes in [Duration::ZERO, MIN, SECOND * 2] {
                let mut play = Scenario::new(7);
                play.end(SECOND * 5);
                let mut attempts = 0;
                while play.action() != Action::End {
                    if let Action::Send { timeout } = play.action() {
                        attempts += 1;
                        play.clock.advance(attempt_takes.min(timeout));
                        play.attempted(Outcome::Failed { retry_after: after });
                    } else {
                        play.wait();
                    }
                }
                assert!(play.clock.elapsed() <= SECOND * 5, "{:?}", play.clock.elapsed());
                assert!((1..60).contains(&attempts), "{attempts}");
            }
        }
    }

    #[test]
    fn no_duration_is_too_long() {
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
    fn the_end_does_not_repeat_what_is_refused() {
        let mut play = Scenario::new(8);
        play.end(SECOND * 5);
        play.attempted(Outcome::Refused);
        assert_eq!(play.action(), Action::End);
        let mut play = Scenario::new(8);
        play.end(Duration::ZERO);
        assert_eq!(play.action(), Action::End);
    }
}
