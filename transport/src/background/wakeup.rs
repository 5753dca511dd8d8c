//! The wake-up of a gateway's thread, which ends its current wait.

use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, bounded};

/// Wakes the thread.
#[derive(Debug)]
pub(crate) struct Waker(Sender<()>);

/// The wait of the thread, which the [`Waker`] ends.
#[derive(Debug)]
pub(crate) struct Wakeups(Receiver<()>);

/// A waker, and the wait that it ends.
pub(crate) fn wakeup() -> (Waker, Wakeups) {
    // One message is enough: waking a thread twice is no different from waking it once.
    let (sender, receiver) = bounded(1);
    (Waker(sender), Wakeups(receiver))
}

impl Waker {
    pub(crate) fn wake(&self) {
        self.0.try_send(()).ok(); // fails when a message waits already, which is enough
    }
}

impl Wakeups {
    /// Waits until the thread is woken, or until `until`.
    pub(crate) fn wait_until(&self, until: Instant) {
        self.0.recv_deadline(until).ok(); // fails when the wait is over
    }
}
