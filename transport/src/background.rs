//! The background thread of a gateway, and what it shares with its owner.

pub(crate) mod thread;
pub(crate) mod worker;

pub(crate) mod shared_state;

pub(crate) mod gathered_group;
pub(crate) mod group_state;
pub(crate) mod queue;
pub(crate) mod schedule;
pub(crate) mod send_order;

#[cfg(test)]
mod spool_tests;
