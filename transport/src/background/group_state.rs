//! One group on one gateway: what the gateway has not acknowledged.
//!
//! Pure: the caller sends what [`GroupState::send`] returns, one at a time, and says what became of it.

use std::time::SystemTime;

use crate::payload::change::{GroupChange, merged};

/// Most attempts of unknown delivery that are remembered one by one.
const UNCONFIRMED_MAX: usize = 8;

/// A count of operations: the later one has the greater number.
pub(crate) type Generation = u64;

/// What a gateway has not acknowledged of one group.
///
/// Invariant: what is in flight is older than what waits.
#[derive(Debug, Default)]
pub(crate) struct GroupState {
    waiting: Option<Batch>,
    in_flight: Option<Batch>,
    /// What attempts held of which nobody knows whether the gateway took it, or still will.
    unconfirmed: Vec<GroupChange>,
    /// Whether what waits was refused for what it holds: then it has no part in what comes next.
    refused: bool,
}

/// Operations that have become one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Batch {
    pub(crate) state: GroupChange,
    /// When its newest part was made.
    pub(crate) created: SystemTime,
    /// The oldest and the newest operation in it.
    pub(crate) oldest: Generation,
    pub(crate) newest: Generation,
}

/// What can be said of an attempt without an acknowledgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// The gateway has not taken it, and will not.
    NotTaken,
    /// The gateway may have taken it, or may still do so.
    Unknown,
}

impl Batch {
    pub(crate) fn new(state: GroupChange, created: SystemTime, generation: Generation) -> Self {
        Self { state, created, oldest: generation, newest: generation }
    }

    fn then(self, creation_time: Self) -> Self {
        Self {
            state: self.state.then(creation_time.state),
            created: creation_time.created,
            oldest: self.oldest,
            newest: creation_time.newest,
        }
    }
}

impl GroupState {
    /// Something more to tell.
    pub(crate) fn add(&mut self, batch: Batch) {
        let refused = std::mem::take(&mut self.refused);
        self.waiting = Some(match self.waiting.take() {
            Some(earlier) if refused => Batch { oldest: earlier.oldest, ..batch },
            Some(earlier) => earlier.then(batch),
            None => batch,
        });
    }

    /// What to send now: it is in flight from here on. `None` while something else is, and where
    /// nothing waits.
    pub(crate) fn send(&mut self) -> Option<&Batch> {
        if self.in_flight.is_some() {
            return None;
        }
        self.refused = false;
        self.in_flight = self.waiting.take();
        self.in_flight.as_ref()
    }

    /// The gateway has taken what was in flight. Returns it, unless it has to be sent once more.
    ///
    /// Once more: when something else was sent before whose delivery is unknown. It may be stuck in
    /// the gateway, and must not have the last word.
    pub(crate) fn acknowledged(&mut self) -> Option<Batch> {
        let taken = self.in_flight.take()?;
        let in_doubt =
            self.unconfirmed.iter().any(|add_unconfirmed| *add_unconfirmed != taken.state);
        self.unconfirmed.clear();
        if in_doubt {
            self.back_in_front(taken);
            return None;
        }
        Some(taken)
    }

    /// What was in flight is not acknowledged: it waits again, in front of what came after it.
    pub(crate) fn failed(&mut self, delivery: Delivery) {
        let Some(batch) = self.in_flight.take() else { return };
        if delivery == Delivery::Unknown {
            self.add_unconfirmed(batch.state.clone());
        }
        self.back_in_front(batch);
    }

    /// The gateway may be given that state by somebody else: it is in a spool.
    pub(crate) fn add_unconfirmed(&mut self, state: GroupChange) {
        if self.unconfirmed.contains(&state) {
            return;
        }
        if self.unconfirmed.len() == UNCONFIRMED_MAX {
            self.unconfirmed.remove(0);
        }
        self.unconfirmed.push(state);
    }

    /// What was in flight was refused for what it holds: it has no part in what comes after it.
    /// Where nothing came after it, it waits on.
    pub(crate) fn rejected_content(&mut self) {
        let Some(refused) = self.in_flight.take() else { return };
        if let Some(waiting) = &mut self.waiting {
            waiting.oldest = refused.oldest;
        } else {
            self.waiting = Some(refused);
            self.refused = true;
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

    /// Everything that is not acknowledged, as one state, and when its newest part was made.
    pub(crate) fn unacknowledged(&self) -> Option<(GroupChange, SystemTime)> {
        let state = |batch: &Option<Batch>| batch.as_ref().map(|batch| batch.state.clone());
        let created = self.waiting.as_ref().or(self.in_flight.as_ref())?.created;
        Some((merged(state(&self.in_flight), state(&self.waiting))?, created))
    }

    /// What the gateway may have taken, or may still take, other than `state`.
    pub(crate) fn unconfirmed(&self, state: &GroupChange) -> Vec<GroupChange> {
        let in_flight = self.in_flight.iter().map(|batch| &batch.state);
        self.unconfirmed
            .iter()
            .chain(in_flight)
            .filter(|add_unconfirmed| *add_unconfirmed != state)
            .cloned()
            .collect()
    }

    fn back_in_front(&mut self, batch: Batch) {
        self.waiting = Some(match self.waiting.take() {
            Some(creation_time) => batch.then(creation_time),
            None => batch,
        });
    }
}
