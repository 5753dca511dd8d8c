//! The one place that reads the time and waits.

use std::time::{Duration, Instant, SystemTime};

/// Longest wait, ten years: a wait of `Duration::MAX` has no instant to end at.
pub(crate) const WAIT_MAX: Duration = Duration::from_hours(10 * 365 * 24);

/// Time as the push path sees it. Tests pass one that moves only when told to.
pub(crate) trait Clock: Send + Sync {
    /// Monotonic time, for deadlines and intervals.
    fn now(&self) -> Instant;

    /// Wall-clock time, for dates in `Retry-After`.
    fn wall(&self) -> SystemTime;

    /// Blocks the calling thread for `duration`.
    fn wait(&self, duration: Duration);

    /// When `duration` from now will have passed; a duration without an end becomes ten years.
    fn deadline(&self, duration: Duration) -> Instant {
        let now = self.now();
        now.checked_add(duration.min(WAIT_MAX)).unwrap_or(now)
    }
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the `Clock` everybody else is passed")]
    fn now(&self) -> Instant {
        Instant::now()
    }

    #[expect(clippy::disallowed_methods, reason = "this is the `Clock` everybody else is passed")]
    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }

    fn wait(&self, duration: Duration) {
        // Nothing is ever sent: receiving with a timeout is the wait.
        let nothing = crossbeam_channel::never::<()>();
        nothing.recv_timeout(duration).ok();
    }
}

#[cfg(test)]
pub(crate) mod fake {
    //! A clock that moves only by being waited on or advanced.

    use std::sync::Mutex;
    use std::time::{Duration, Instant, SystemTime};

    use super::Clock;

    #[derive(Debug)]
    pub(crate) struct FakeClock {
        start: Instant,
        elapsed: Mutex<Duration>,
    }

    impl FakeClock {
        pub(crate) fn new() -> Self {
            #[expect(clippy::disallowed_methods, reason = "an `Instant` has no other constructor")]
            let start = Instant::now();
            Self { start, elapsed: Mutex::new(Duration::ZERO) }
        }

        pub(crate) fn advance(&self, by: Duration) {
            *self.elapsed.lock().unwrap() += by;
        }

        pub(crate) fn elapsed(&self) -> Duration {
            *self.elapsed.lock().unwrap()
        }
    }

    impl Clock for FakeClock {
        fn now(&self) -> Instant {
            self.start + self.elapsed()
        }

        fn wall(&self) -> SystemTime {
            SystemTime::UNIX_EPOCH + Duration::from_hours(500_000) + self.elapsed()
        }

        fn wait(&self, duration: Duration) {
            self.advance(duration);
        }
    }
}
