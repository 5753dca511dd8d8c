//! The current time on the wall clock and on the monotonic clock.

use std::time::{Duration, Instant, UNIX_EPOCH};

use prompush_core::clock::Clock;

/// One reading of both clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClockReading {
    /// Time since the Unix epoch. `push_time_seconds` shows it.
    pub(crate) wall: Duration,
    /// Time since the gateway started. It never jumps, so expiry is measured with it.
    pub(crate) monotonic: Duration,
}

impl ClockReading {
    /// Reads `clock`. `start` is the instant at which the gateway started.
    pub(crate) fn now(clock: &dyn Clock, start: Instant) -> Self {
        let wall = clock.wall().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { wall, monotonic: clock.now().duration_since(start) }
    }
}
