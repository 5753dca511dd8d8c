//! The waits between attempts: an interval that doubles, with full jitter.
//!
//! This is the only file that names the `backoff` package, so that leaving it is one file's work: the
//! package is unmaintained (RUSTSEC-2025-0012). Only its interval arithmetic is used. Its own
//! randomisation is switched off because it is not full jitter and cannot be seeded; its limit on
//! elapsed time is switched off because it reads a clock of its own.

use std::time::{Duration, Instant};

use backoff::backoff::Backoff as _;
use backoff::exponential::ExponentialBackoff;

/// The waits between the attempts of one operation.
#[derive(Debug)]
pub(crate) struct Backoff {
    interval: ExponentialBackoff<StoppedClock>,
    jitter: bool,
}

/// A clock that stands still. `ExponentialBackoff` asks for the time even when it has no use for it.
#[derive(Debug)]
struct StoppedClock(Instant);

impl backoff::Clock for StoppedClock {
    fn now(&self) -> Instant {
        self.0
    }
}

impl Backoff {
    /// Starts at `min` and doubles up to `max`. `now` may be any instant.
    pub(crate) fn new(min: Duration, max: Duration, jitter: bool, now: Instant) -> Self {
        let min = min.min(max);
        let interval = ExponentialBackoff {
            current_interval: min,
            initial_interval: min,
            randomization_factor: 0.0,
            multiplier: 2.0,
            max_interval: max,
            start_time: now,
            max_elapsed_time: None,
            clock: StoppedClock(now),
        };
        Self { interval, jitter }
    }

    /// Returns the next wait, and doubles the interval: with jitter a random time between zero and
    /// the interval, without jitter the interval itself.
    ///
    /// Many programs that lost the same gateway at the same moment must not come back to it at the
    /// same moment; that is why the jitter covers the whole interval.
    pub(crate) fn next(&mut self, rng: &mut fastrand::Rng) -> Duration {
        let interval = self.interval.next_backoff().unwrap_or(self.interval.max_interval);
        if self.jitter { interval.mul_f64(rng.f64()) } else { interval }
    }

    /// Starts again at the smallest interval.
    pub(crate) fn reset(&mut self) {
        self.interval.reset();
    }
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
        let mut backoff = Backoff::new(min, max, true, ManualClock::new().now());
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
            .map(|_| {
                Backoff::new(ms(100), ms(30_000), true, ManualClock::new().now()).next(&mut rng)
            })
            .collect();
        draws.sort_unstable();
        assert!(draws[0] < ms(5) && draws[999] > ms(95) && draws[999] < ms(100));
        assert!((ms(45)..ms(55)).contains(&draws[500]), "median {:?}", draws[500]);
    }

    #[test]
    fn reset_begins_again() {
        let mut backoff = Backoff::new(ms(100), ms(30_000), true, ManualClock::new().now());
        let mut rng = fastrand::Rng::with_seed(1);
        for _ in 0..20 {
            backoff.next(&mut rng);
        }
        backoff.reset();
        assert!(backoff.next(&mut rng) < ms(100));
    }
}
