//! The callers of `flush`, which wait until the gateway has acknowledged or refused what they asked for.

use std::time::Instant;

use crossbeam_channel::{Receiver, Sender, bounded};

use crate::background::group_state::Generation;
use crate::background::queue::Queue;

/// The callers of `flush` on one gateway.
#[derive(Debug, Default)]
pub(crate) struct FlushWaiters(Vec<FlushWaiter>);

/// A caller that waits until every operation up to one is acknowledged or refused.
#[derive(Debug)]
struct FlushWaiter {
    upto: Generation,
    /// When the caller stops waiting.
    until: Instant,
    settled: Sender<()>,
}

impl FlushWaiters {
    /// Adds a caller that waits until `until`. The receiver gets a message once every operation up to
    /// `upto` is acknowledged or refused.
    pub(crate) fn add(&mut self, now: Instant, upto: Generation, until: Instant) -> Receiver<()> {
        let (settled, is_settled) = bounded(1);
        self.0.retain(|waiter| waiter.until > now);
        self.0.push(FlushWaiter { upto, until, settled });
        is_settled
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Sends a message to every caller whose operations are all acknowledged or refused.
    pub(crate) fn notify(&mut self, queue: &Queue) {
        self.0.retain(|waiter| {
            let is_open = !queue.is_settled(waiter.upto);
            if !is_open {
                waiter.settled.try_send(()).ok(); // fails when the caller has stopped waiting
            }
            is_open
        });
    }
}
