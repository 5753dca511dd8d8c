//! How long to wait before trying again: an interval that doubles, and full jitter.
//!
//! The only file that names the `backoff` package, and it takes nothing from it but the arithmetic
//! of the interval: that package is unmaintained (RUSTSEC-2025-0012), so leaving it must be one
//! file's work. Its own randomisation and its limit on elapsed time are switched off: the first is
//! not full jitter and cannot be seeded, the second reads a clock of its own.

use std::time::{Duration, Instant};

use backoff::backoff::Backoff as _;
use backoff::exponential::ExponentialBackoff;

/// The waits between the attempts of one operation.
#[derive(Debug)]
pub(crate) struct Backoff {
    interval: ExponentialBackoff<Stopped>,
}

/// A clock that stands still: the arithmetic asks for the time, and does nothing with it.
#[derive(Debug)]
struct Stopped(Instant);

impl backoff::Clock for Stopped {
    fn now(&self) -> Instant {
        self.0
    }
}

impl Backoff {
    /// Starts at `min` and doubles up to `max`. `now` is any instant.
    pub(crate) fn new(min: Duration, max: Duration, now: Instant) -> Self {
        let min = min.min(max);
        let interval = ExponentialBackoff {
            current_interval: min,
            initial_interval: min,
            randomization_factor: 0.0,
            multiplier: 2.0,
            max_interval: max,
            start_time: now,
            max_elapsed_time: None,
            clock: Stopped(now),
        };
        Self { interval }
    }

    /// The next wait: between nothing and the current interval, which then doubles.
    ///
    /// Full jitter, because many programs that lost the same gateway at the same moment must not
    /// come back to it at the same moment.
    pub(crate) fn next(&mut self, rng: &mut fastrand::Rng) -> Duration {
        let interval = self.interval.next_backoff().unwrap_or(self.interval.max_interval);
        interval.mul_f64(rng.f64())
    }

    /// Begins again at the smallest interval.
    pub(crate) fn reset(&mut self) {
        self.interval.reset();
    }
}

/// Least time before a deadline that is worth another attempt: with less, a slow moment of this
/// machine would pass for a slow gateway.
const WORTHWHILE_MIN: Duration = Duration::from_millis(100);

/// Cuts a wait so that it leaves time for another attempt before the deadline, `remaining` from
/// now; `None` when what remains is not worth one.
///
/// A wait of our own is halved towards the deadline rather than given up: an operation that was
/// granted 30 s should still try when the gateway comes back after 25.
/// A gateway's `Retry-After` is not cut: coming back earlier than it asked would be refused.
pub(crate) fn wait_within(
    wait: Duration,
    asked_by_gateway: bool,
    remaining: Duration,
) -> Option<Duration> {
    if remaining <= WORTHWHILE_MIN {
        return None;
    }
    if asked_by_gateway {
        return (wait < remaining).then_some(wait);
    }
    Some(wait.min(remaining / 2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use prompush_core::clock::{Clock, ManualClock};

    const fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    /// The intervals of which `next` draws a part.
    fn intervals(min: Duration, max: Duration, n: usize) -> Vec<Duration> {
        let mut backoff = Backoff::new(min, max, ManualClock::new().now());
        (0..n).filter_map(|_| backoff.interval.next_backoff()).collect()
    }

    #[test]
    fn doubles_up_to_the_cap() {
        let expected: Vec<_> =
            [100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000].map(ms).into();
        assert_eq!(intervals(ms(100), ms(30_000), 11), expected);
        assert_eq!(intervals(ms(500), ms(100), 2), [ms(100), ms(100)]);
        assert_eq!(intervals(ms(100), ms(100), 2), [ms(100), ms(100)]);
        assert_eq!(intervals(Duration::ZERO, ms(100), 2), [Duration::ZERO, Duration::ZERO]);
    }

    #[test]
    fn jitter_is_full_and_seeded() {
        let mut rng = fastrand::Rng::with_seed(1);
        let mut draws: Vec<Duration> = (0..1000)
            .map(|_| Backoff::new(ms(100), ms(30_000), ManualClock::new().now()).next(&mut rng))
            .collect();
        draws.sort_unstable();
        assert!(draws[0] < ms(5) && draws[999] > ms(95) && draws[999] < ms(100));
        assert!((ms(45)..ms(55)).contains(&draws[500]), "median {:?}", draws[500]);
    }

    #[test]
    fn reset_begins_again() {
        let mut backoff = Backoff::new(ms(100), ms(30_000), ManualClock::new().now());
        let mut rng = fastrand::Rng::with_seed(1);
        for _ in 0..20 {
            backoff.next(&mut rng);
        }
        backoff.reset();
        assert!(backoff.next(&mut rng) < ms(100));
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
                wait_within(ms(wait), asked, ms(remaining)),
                expected.map(|d: u64| if d == 50 { Duration::from_micros(50_500) } else { ms(d) }),
                "{wait} {asked} {remaining}"
            );
        }
    }
}
