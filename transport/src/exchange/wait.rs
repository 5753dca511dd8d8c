//! Waiting between two attempts.

use std::fmt::Debug;
use std::time::Duration;

/// Blocks the calling thread. Tests pass a clock that moves instead.
pub(crate) trait Wait: Debug + Send + Sync {
    /// Blocks for `duration`.
    fn wait(&self, duration: Duration);
}

/// Waits as long as the machine's clock says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SystemWait;

impl Wait for SystemWait {
    fn wait(&self, duration: Duration) {
        // Nothing is ever sent on this channel: the timeout of the receive is the wait.
        crossbeam_channel::never::<()>().recv_timeout(duration).ok();
    }
}

#[cfg(test)]
impl Wait for prompush_core::clock::ManualClock {
    fn wait(&self, duration: Duration) {
        self.advance(duration);
    }
}
