//! The state of one group on its way to one gateway.
//!
//! The module is pure. The caller sends what [`GroupState::send`] returns, one request at a time, and
//! reports what became of the request.

use std::time::SystemTime;

use crate::payload::{GroupChange, merged};

/// The largest number of unconfirmed changes that are remembered one by one.
const UNCONFIRMED_MAX: usize = 8;

/// The number of an operation. A later operation has a greater number.
pub(crate) type Generation = u64;

/// The changes of one group that the gateway has not acknowledged.
///
/// Invariant: the batch in flight is older than the batch that waits.
#[derive(Debug, Default)]
pub(crate) struct GroupState {
    waiting: Option<Batch>,
    in_flight: Option<Batch>,
    /// Changes that were sent without an answer: the gateway may have taken them, or may still take
    /// them.
    unconfirmed: Vec<GroupChange>,
    /// Whether the gateway refused the content of the waiting batch. A refused batch is not merged with
    /// what comes next.
    is_refused: bool,
}

/// One or several operations, merged into one change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Batch {
    pub(crate) change: GroupChange,
    /// When the newest part of the change was created.
    pub(crate) created: SystemTime,
    /// The oldest operation in the change.
    pub(crate) oldest: Generation,
    /// The newest operation in the change.
    pub(crate) newest: Generation,
}

/// Whether a request without an acknowledgement may still have an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// The gateway has not taken the request, and never will.
    NotTaken,
    /// The gateway may have taken the request, or may still take it.
    Unknown,
}

impl Batch {
    pub(crate) fn new(change: GroupChange, created: SystemTime, generation: Generation) -> Self {
        Self { change, created, oldest: generation, newest: generation }
    }

    fn then(self, later: Self) -> Self {
        Self {
            change: self.change.then(later.change),
            created: later.created,
            oldest: self.oldest,
            newest: later.newest,
        }
    }
}

impl GroupState {
    /// Adds a batch, merged with the one that waits.
    pub(crate) fn add(&mut self, batch: Batch) {
        let is_refused = std::mem::take(&mut self.is_refused);
        self.waiting = Some(match self.waiting.take() {
            Some(earlier) if is_refused => Batch { oldest: earlier.oldest, ..batch },
            Some(earlier) => earlier.then(batch),
            None => batch,
        });
    }

    /// Puts the waiting batch in flight and returns it. Returns `None` when a batch is in flight already
    /// and when none waits.
    pub(crate) fn send(&mut self) -> Option<&Batch> {
        if self.in_flight.is_some() {
            return None;
        }
        self.is_refused = false;
        self.in_flight = self.waiting.take();
        self.in_flight.as_ref()
    }

    /// The gateway has acknowledged the batch in flight. Returns the batch, or `None` when it has to be
    /// sent once more.
    ///
    /// A batch is sent once more when an earlier, different request had no answer: that request may be
    /// stuck in the gateway, and must not be the last that the gateway takes.
    pub(crate) fn acknowledged(&mut self) -> Option<Batch> {
        let batch = self.in_flight.take()?;
        let in_doubt = self.unconfirmed.iter().any(|change| *change != batch.change);
        self.unconfirmed.clear();
        if in_doubt {
            self.put_back(batch);
            return None;
        }
        Some(batch)
    }

    /// The batch in flight was not acknowledged. It waits again, merged with what came after it.
    pub(crate) fn failed(&mut self, delivery: Delivery) {
        let Some(batch) = self.in_flight.take() else { return };
        if delivery == Delivery::Unknown {
            self.add_unconfirmed(batch.change.clone());
        }
        self.put_back(batch);
    }

    /// Remembers a change that is in a spool, from where another process may send it.
    pub(crate) fn add_unconfirmed(&mut self, change: GroupChange) {
        if self.unconfirmed.contains(&change) {
            return;
        }
        if self.unconfirmed.len() == UNCONFIRMED_MAX {
            self.unconfirmed.remove(0);
        }
        self.unconfirmed.push(change);
    }

    /// The gateway refused the content of the batch in flight. The batch is dropped when another one
    /// waits; otherwise it waits again, and is not merged with what comes next.
    pub(crate) fn content_refused(&mut self) {
        let Some(refused) = self.in_flight.take() else { return };
        if let Some(waiting) = &mut self.waiting {
            waiting.oldest = refused.oldest;
        } else {
            self.waiting = Some(refused);
            self.is_refused = true;
        }
    }

    /// The oldest operation that is not acknowledged.
    pub(crate) fn oldest(&self) -> Option<Generation> {
        Some(self.in_flight.as_ref().or(self.waiting.as_ref())?.oldest)
    }

    /// The newest operation that is not acknowledged.
    pub(crate) fn newest(&self) -> Option<Generation> {
        Some(self.waiting.as_ref().or(self.in_flight.as_ref())?.newest)
    }

    #[cfg(test)]
    pub(crate) fn waiting(&self) -> Option<&Batch> {
        self.waiting.as_ref()
    }

    pub(crate) fn in_flight(&self) -> Option<&Batch> {
        self.in_flight.as_ref()
    }

    /// All changes that are not acknowledged, merged into one, and when the newest part was created.
    pub(crate) fn unacknowledged(&self) -> Option<(GroupChange, SystemTime)> {
        let change = |batch: &Option<Batch>| batch.as_ref().map(|batch| batch.change.clone());
        let created = self.waiting.as_ref().or(self.in_flight.as_ref())?.created;
        Some((merged(change(&self.in_flight), change(&self.waiting))?, created))
    }

    /// The changes other than `change` that the gateway may have taken, or may still take.
    pub(crate) fn unconfirmed(&self, change: &GroupChange) -> Vec<GroupChange> {
        let in_flight = self.in_flight.iter().map(|batch| &batch.change);
        self.unconfirmed.iter().chain(in_flight).filter(|other| *other != change).cloned().collect()
    }

    /// Lets a batch wait again, in front of what came after it.
    fn put_back(&mut self, batch: Batch) {
        self.waiting = Some(match self.waiting.take() {
            Some(later) => batch.then(later),
            None => batch,
        });
    }
}

#[cfg(test)]
mod tests;
