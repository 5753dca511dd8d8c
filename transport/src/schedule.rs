//! What a background pusher does next: a pure function of the time and what has happened so far.
//!
//! The rules, first match wins:
//! 1. Told to end: the last operation, repeated after a wait while it may still succeed, until it
//!    is acknowledged, refused for good, or the deadline has come.
//! 2. Somebody waits for a flush, or the time of the next push has come: a push.
//! 3. Else: wait until that time.

use std::time::{Duration, Instant};

use crate::backoff::{Backoff, wait_within};
use crate::clock::WAIT_MAX;

/// Regular pushes come this much of the interval early or late, at most, so that programs started
/// together do not stay together.
const JITTER: f64 = 0.05;

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Push the state, with that much time for the attempt.
    Push { timeout: Duration },
    /// Do the last operation, with that much time for the attempt.
    Last { timeout: Duration },
    /// Wait for a command, until then.
    Wait(Instant),
    /// Nothing is left to do.
    End,
}

/// How an attempt went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Acknowledged,
    /// It may succeed later; not before `after`, if the gateway said so.
    Failed {
        after: Option<Duration>,
    },
    /// It would fail the same way again.
    Refused,
}

#[derive(Debug)]
pub(crate) struct Schedule {
    interval: Duration,
    attempt_timeout: Duration,
    /// When the next push or retry is due.
    next: Instant,
    /// Whether a push was acknowledged already.
    settled: bool,
    backoff: Backoff,
    /// The latest deadline of those who wait for a push to be acknowledged.
    flush_until: Option<Instant>,
    /// When to have ended.
    end_by: Option<Instant>,
    /// Whether the last operation is done, well or not.
    last_done: bool,
}

impl Schedule {
    /// The first push is due at once.
    pub(crate) fn new(
        now: Instant,
        interval: Duration,
        attempt_timeout: Duration,
        retry_delay: (Duration, Duration),
    ) -> Self {
        Self {
            // Jitter adds to it.
            interval: interval.min(WAIT_MAX / 2),
            attempt_timeout: attempt_timeout.min(WAIT_MAX),
            next: now,
            settled: false,
            backoff: Backoff::new(retry_delay.0, retry_delay.1, now),
            flush_until: None,
            end_by: None,
            last_done: false,
        }
    }

    pub(crate) fn next_action(&self, now: Instant) -> Action {
        if let Some(end_by) = self.end_by {
            return match end_by.checked_duration_since(now) {
                Some(left) if !self.last_done && !left.is_zero() => {
                    if self.next <= now {
                        Action::Last { timeout: self.attempt_timeout.min(left) }
                    } else {
                        Action::Wait(self.next.min(end_by))
                    }
                }
                _ => Action::End,
            };
        }
        if self.next <= now {
            Action::Push { timeout: self.attempt_timeout }
        } else {
            Action::Wait(self.next)
        }
    }

    /// Somebody wants the state of now acknowledged by `until`: pushes at once.
    pub(crate) fn flush(&mut self, now: Instant, until: Instant) {
        self.flush_until = Some(self.flush_until.map_or(until, |other| other.max(until)));
        self.next = now;
        self.backoff.reset();
    }

    /// Told to end by `end_by`: the last operation is due at once.
    pub(crate) fn end(&mut self, now: Instant, end_by: Instant) {
        self.end_by = Some(end_by);
        self.next = now;
        self.backoff.reset();
    }

    /// An attempt has ended.
    pub(crate) fn attempted(&mut self, now: Instant, outcome: Outcome, rng: &mut fastrand::Rng) {
        let retry_after = match outcome {
            Outcome::Failed { after } => after,
            Outcome::Acknowledged | Outcome::Refused => {
                self.last_done = self.end_by.is_some();
                self.flush_until = None;
                self.backoff.reset();
                self.next = now + self.gap(rng);
                self.settled |= outcome == Outcome::Acknowledged;
                return;
            }
        };
        let wait = retry_after.unwrap_or_else(|| self.backoff.next(rng)).min(WAIT_MAX);
        self.flush_until = self.flush_until.filter(|until| *until > now);
        self.next = now + wait;
        let Some(urgent) = self.end_by.or(self.flush_until) else { return };
        let remaining = urgent.saturating_duration_since(now);
        match wait_within(wait, retry_after.is_some(), remaining) {
            Some(wait) => self.next = now + wait,
            None => self.last_done = self.end_by.is_some(),
        }
    }

    /// The time to the next regular push. After the first one it is any part of the interval, so
    /// that a thousand programs started at once spread over it; then it is the interval, nearly.
    fn gap(&self, rng: &mut fastrand::Rng) -> Duration {
        if self.settled {
            self.interval.mul_f64(1.0 - JITTER + 2.0 * JITTER * rng.f64())
        } else {
            self.interval.mul_f64(1.0 - rng.f64())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, fake::FakeClock};

    const INTERVAL: Duration = Duration::from_secs(30);
    const ATTEMPT: Duration = Duration::from_secs(10);
    const MIN: Duration = Duration::from_millis(100);
    const MAX: Duration = Duration::from_secs(30);
    const SECOND: Duration = Duration::from_secs(1);
    const FAILED: Outcome = Outcome::Failed { after: None };

    /// A schedule, its clock and its dice.
    struct Play {
        clock: FakeClock,
        schedule: Schedule,
        rng: fastrand::Rng,
    }

    impl Play {
        fn new(seed: u64) -> Self {
            let clock = FakeClock::new();
            let schedule = Schedule::new(clock.now(), INTERVAL, ATTEMPT, (MIN, MAX));
            Self { clock, schedule, rng: fastrand::Rng::with_seed(seed) }
        }

        fn action(&self) -> Action {
            self.schedule.next_action(self.clock.now())
        }

        fn attempted(&mut self, outcome: Outcome) {
            self.schedule.attempted(self.clock.now(), outcome, &mut self.rng);
        }

        /// Moves the clock to the end of the wait that is next, and says how long it was.
        fn wait(&self) -> Duration {
            let Action::Wait(until) = self.action() else { panic!("{:?}", self.action()) };
            let wait = until - self.clock.now();
            self.clock.advance(wait);
            wait
        }

        fn flush(&mut self, deadline: Duration) {
            let now = self.clock.now();
            self.schedule.flush(now, now + deadline);
        }

        fn end(&mut self, deadline: Duration) {
            let now = self.clock.now();
            self.schedule.end(now, now + deadline);
        }
    }

    #[test]
    fn first_push_at_once_then_every_interval() {
        let mut play = Play::new(1);
        assert_eq!(play.action(), Action::Push { timeout: ATTEMPT });
        play.attempted(Outcome::Acknowledged);
        assert!(play.wait() <= INTERVAL);
        for _ in 0..100 {
            assert_eq!(play.action(), Action::Push { timeout: ATTEMPT });
            play.attempted(Outcome::Acknowledged);
            let wait = play.wait().as_secs_f64();
            assert!((28.5..31.5).contains(&wait), "{wait}");
        }
    }

    #[test]
    fn a_thousand_pushers_started_at_once_spread_over_the_interval() {
        let mut tenths = [0; 10];
        for seed in 0..1000 {
            let mut play = Play::new(seed);
            play.attempted(Outcome::Acknowledged);
            let tenth = (play.wait().as_secs_f64() / INTERVAL.as_secs_f64() * 10.0).ceil();
            let index = (1..=10_u8).position(|n| f64::from(n) >= tenth).unwrap();
            tenths[index] += 1;
        }
        assert!(tenths.iter().all(|count| (60..140).contains(count)), "{tenths:?}");
    }

    #[test]
    fn failures_are_backed_off_from_and_a_success_forgets_them() {
        let mut play = Play::new(2);
        for attempt in 0..20 {
            assert_eq!(play.action(), Action::Push { timeout: ATTEMPT });
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
        let mut play = Play::new(3);
        play.attempted(Outcome::Failed { after: Some(SECOND * 17) });
        assert_eq!(play.wait(), SECOND * 17);
    }

    #[test]
    fn a_refusal_waits_for_the_next_interval() {
        let mut play = Play::new(4);
        play.attempted(Outcome::Acknowledged);
        play.wait();
        play.attempted(Outcome::Refused);
        assert!(play.wait() > SECOND * 28);
    }

    #[test]
    fn a_flush_pushes_at_once_and_again_until_its_deadline() {
        let mut play = Play::new(5);
        for _ in 0..15 {
            play.attempted(FAILED);
        }
        play.flush(SECOND * 5);
        let mut attempts = 0;
        while play.clock.elapsed() < SECOND * 5 {
            assert_eq!(play.action(), Action::Push { timeout: ATTEMPT });
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
        let mut play = Play::new(6);
        play.attempted(Outcome::Acknowledged);
        play.end(SECOND * 5);
        assert_eq!(play.action(), Action::Last { timeout: SECOND * 5 });
        play.clock.advance(SECOND);
        assert_eq!(play.action(), Action::Last { timeout: SECOND * 4 });
        play.attempted(Outcome::Acknowledged);
        assert_eq!(play.action(), Action::End);
    }

    #[test]
    fn the_end_comes_at_its_deadline_whatever_the_gateway_does() {
        for after in [None, Some(SECOND * 3), Some(SECOND * 60)] {
            for attempt_takes in [Duration::ZERO, MIN, SECOND * 2] {
                let mut play = Play::new(7);
                play.end(SECOND * 5);
                let mut attempts = 0;
                while play.action() != Action::End {
                    if let Action::Last { timeout } = play.action() {
                        attempts += 1;
                        play.clock.advance(attempt_takes.min(timeout));
                        play.attempted(Outcome::Failed { after });
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
        let clock = FakeClock::new();
        let max = Duration::MAX;
        let mut schedule = Schedule::new(clock.now(), max, max, (max, max));
        let mut rng = fastrand::Rng::with_seed(9);
        let outcomes = [Outcome::Acknowledged, FAILED, Outcome::Failed { after: Some(max) }];
        for outcome in outcomes.iter().cycle().take(9) {
            schedule.attempted(clock.now(), *outcome, &mut rng);
            assert!(matches!(schedule.next_action(clock.now()), Action::Wait(_)));
        }
    }

    #[test]
    fn the_end_does_not_repeat_what_is_refused() {
        let mut play = Play::new(8);
        play.end(SECOND * 5);
        play.attempted(Outcome::Refused);
        assert_eq!(play.action(), Action::End);
        let mut play = Play::new(8);
        play.end(Duration::ZERO);
        assert_eq!(play.action(), Action::End);
    }
}
