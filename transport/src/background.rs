//! The thread that keeps the groups of one gateway up to date, and what it shares with its owner.

pub(crate) mod group_state;
pub(crate) mod queue;
pub(crate) mod schedule;
pub(crate) mod shared_state;
pub(crate) mod thread;
pub(crate) mod worker;
