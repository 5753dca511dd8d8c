//! The identity of a process, and the interface to the processes of this machine.

use std::net::SocketAddr;

/// A process, told apart from all processes that had or will have the same process ID.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ProcessIdentity {
    pub(crate) pid: u32,
    /// When the process started, in clock ticks since the machine booted.
    pub(crate) started: u64,
}

/// Answers questions about the processes of this machine.
pub(crate) trait Processes: Send {
    /// The process whose socket is connected from `peer` to `local`.
    fn owner(&self, peer: SocketAddr, local: SocketAddr) -> Option<ProcessIdentity>;

    /// Whether the process still runs. A zombie does not.
    fn is_alive(&self, process: ProcessIdentity) -> bool;

    /// Whether `ancestor` is the parent of `process`, or the parent of its parent, and so on.
    fn descends_from(&self, process: ProcessIdentity, ancestor: ProcessIdentity) -> bool;
}
