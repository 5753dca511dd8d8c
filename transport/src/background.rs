//! The background thread of a gateway: its work, its schedule, and the state that it shares with its
//! owner.

pub(crate) mod thread;
pub(crate) mod worker;

pub(crate) mod shared_state;

pub(crate) mod flush_waiters;
pub(crate) mod fork_check;
pub(crate) mod gathered_group;
pub(crate) mod group_state;
pub(crate) mod queue;
pub(crate) mod schedule;
pub(crate) mod send_order;
pub(crate) mod wakeup;

pub(crate) use fork_check::ThreadsProcess;
pub(crate) use gathered_group::{EndAction, GatheredGroup};
pub(crate) use group_state::Generation;
pub(crate) use shared_state::{STOPPED, SharedState, gather_safely};
pub(crate) use thread::GatewayThread;

#[cfg(test)]
mod spool_tests;
