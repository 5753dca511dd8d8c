//! Timers. Apart from `clock.rs`, this is the only file of the crate that reads a clock.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::metrics::{Gauge, Histogram};

/// Measures how long something takes, and records the time in seconds when the timer is dropped.
///
/// ```
/// use prompush_core::{Buckets, Registry};
///
/// let registry = Registry::new();
/// let seconds = registry.histogram("step_duration_seconds", "Steps.", Buckets::default())?;
/// {
///     let _timer = seconds.start_timer();
///     // the step
/// }
/// assert_eq!(seconds.count(), 1);
/// # Ok::<(), prompush_core::RegistryError>(())
/// ```
#[derive(Debug)]
#[must_use = "a timer that is dropped at once measures nothing"]
pub struct Timer {
    start: Instant,
    /// `None` once the time is recorded or discarded.
    histogram: Option<Histogram>,
}

impl Timer {
    /// Records the time since the start, and returns it.
    pub fn observe(mut self) -> Duration {
        self.record()
    }

    /// Ends the timer without recording the time.
    pub fn discard(mut self) {
        self.histogram = None;
    }

    fn record(&mut self) -> Duration {
        let elapsed = self.start.elapsed();
        if let Some(histogram) = self.histogram.take() {
            histogram.observe(elapsed.as_secs_f64());
        }
        elapsed
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.record();
    }
}

impl Histogram {
    /// Starts a timer, which records the time in seconds to this histogram when it is dropped.
    pub fn start_timer(&self) -> Timer {
        #[expect(clippy::disallowed_methods, reason = "this is the file that reads the clock")]
        let start = Instant::now();
        Timer { start, histogram: Some(self.clone()) }
    }
}

impl Gauge {
    /// Sets the value to the current time, in seconds since the Unix epoch. A gauge
    /// `…_last_success_timestamp_seconds` is set this way. A clock before 1970 gives 0.
    pub fn set_to_current_time(&self) {
        #[expect(clippy::disallowed_methods, reason = "this is the file that reads the clock")]
        let now = SystemTime::now();
        self.set(now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64());
    }
}
