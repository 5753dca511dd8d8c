//! The one clock of the workspace. Code that needs the time takes a [`Clock`], so that a test sets
//! the time instead of waiting.

use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

/// The longest wait: ten years. A wait of [`Duration::MAX`] would end at an instant that `Instant`
/// cannot represent.
pub const WAIT_MAX: Duration = Duration::from_hours(10 * 365 * 24);

/// Tells the time.
pub trait Clock: Debug + Send + Sync {
    /// Monotonic time, for deadlines, intervals and ages.
    fn now(&self) -> Instant;

    /// Wall-clock time, for what is shown or compared with another machine's time. It may step.
    fn wall(&self) -> SystemTime;

    /// The instant `duration` from now, or [`WAIT_MAX`] from now if that is earlier.
    fn deadline(&self, duration: Duration) -> Instant {
        let now = self.now();
        now.checked_add(duration.min(WAIT_MAX)).unwrap_or(now)
    }
}

/// The clocks of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "all other code takes a `Clock`")]
    fn now(&self) -> Instant {
        Instant::now()
    }

    #[expect(clippy::disallowed_methods, reason = "all other code takes a `Clock`")]
    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }
}

/// A clock for tests. It stands still until [`advance`](Self::advance) moves it.
///
/// Its wall-clock time starts 500,000 hours after the Unix epoch, in January 2027.
#[derive(Debug)]
pub struct ManualClock {
    start: Instant,
    elapsed_nanoseconds: AtomicU64,
}

impl ManualClock {
    /// A clock that stands still at the monotonic time of this call.
    #[expect(clippy::disallowed_methods, reason = "an `Instant` has no other constructor")]
    pub fn new() -> Self {
        Self { start: Instant::now(), elapsed_nanoseconds: AtomicU64::new(0) }
    }

    /// Moves the clock forward by `duration`.
    pub fn advance(&self, duration: Duration) {
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        // `SeqCst`: a thread that sees the new time also sees what the test did before `advance`.
        self.elapsed_nanoseconds.fetch_add(nanoseconds, Ordering::SeqCst);
    }

    /// The sum of all `advance` calls.
    pub fn elapsed(&self) -> Duration {
        Duration::from_nanos(self.elapsed_nanoseconds.load(Ordering::SeqCst))
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Instant {
        self.start + self.elapsed()
    }

    fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_hours(500_000) + self.elapsed()
    }
}
