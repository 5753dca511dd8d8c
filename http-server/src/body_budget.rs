//! The memory that the request bodies of all connections may take together.

use std::cell::Cell;
use std::rc::Rc;

/// The number of bytes that request bodies may still take: [`Limits::bodies_bytes_max`](crate::Limits::bodies_bytes_max)
/// less what all open reservations hold.
#[derive(Debug)]
pub(crate) struct BodyBudget {
    bytes_left: Cell<usize>,
}

impl BodyBudget {
    pub(crate) fn new(bytes_max: usize) -> Rc<Self> {
        Rc::new(Self { bytes_left: Cell::new(bytes_max) })
    }

    /// An empty reservation.
    pub(crate) fn reservation(self: &Rc<Self>) -> BodyReservation {
        BodyReservation { budget: Rc::clone(self), bytes: 0 }
    }
}

/// The bytes that one body takes from the budget. Dropping the reservation gives them back.
#[derive(Debug)]
#[must_use]
pub(crate) struct BodyReservation {
    budget: Rc<BodyBudget>,
    bytes: usize,
}

impl BodyReservation {
    /// Takes `bytes` more from the budget. Returns false, and takes nothing, if fewer are left.
    #[must_use]
    pub(crate) fn grow(&mut self, bytes: usize) -> bool {
        let Some(bytes_left) = self.budget.bytes_left.get().checked_sub(bytes) else {
            return false;
        };
        self.budget.bytes_left.set(bytes_left);
        self.bytes += bytes;
        true
    }
}

impl Drop for BodyReservation {
    fn drop(&mut self) {
        self.budget.bytes_left.set(self.budget.bytes_left.get() + self.bytes);
    }
}
