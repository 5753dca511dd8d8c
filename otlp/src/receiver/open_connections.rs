//! How many connections are open.

use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// Counts open connections, and lets a thread wait until there are none.
#[derive(Debug, Default)]
pub(crate) struct OpenConnections {
    count: Mutex<usize>,
    closed: Condvar,
}

impl OpenConnections {
    pub(crate) fn add(&self) {
        *self.count.lock() += 1;
    }

    pub(crate) fn remove(&self) {
        let mut count = self.count.lock();
        *count = count.saturating_sub(1);
        self.closed.notify_all();
    }

    /// Waits until no connection is open, or until `within` has passed.
    pub(crate) fn wait_until_none(&self, within: Duration) {
        let mut count = self.count.lock();
        self.closed.wait_while_for(&mut count, |count| *count > 0, within);
    }
}
