//! The status of a process, from `/proc`. Every answer is `None` or `false` where `/proc` cannot be read.

use procfs::process::{Process, Status};

/// The status of a process, from `/proc/<pid>/status`.
fn status(process_id: u32) -> Option<Status> {
    Process::new(i32::try_from(process_id).ok()?).ok()?.status().ok()
}

/// The parent of a process. The first process of a machine or a container has none.
pub(crate) fn parent(process_id: u32) -> Option<u32> {
    let parent = u32::try_from(status(process_id)?.ppid).ok()?;
    (parent > 0).then_some(parent)
}

/// The file name of the program that a process runs, cut to 15 bytes by the kernel.
pub(crate) fn name(process_id: u32) -> Option<String> {
    Some(status(process_id)?.name)
}

/// Whether a process ignores a signal.
pub(crate) fn is_signal_ignored(process_id: u32, signal: i32) -> bool {
    status(process_id).is_some_and(|status| contains(status.sigign, signal))
}

/// Whether a signal was sent to a process, and the process has not reacted to it yet.
pub(crate) fn has_pending_signal(process_id: u32, signal: i32) -> bool {
    status(process_id).is_some_and(|status| contains(status.shdpnd, signal))
}

/// Whether a set of signals contains `signal`: the lowest bit of a set is signal 1.
fn contains(set: u64, signal: i32) -> bool {
    let bit = signal.checked_sub(1).and_then(|bit| u32::try_from(bit).ok());
    bit.and_then(|bit| set.checked_shr(bit)).is_some_and(|bits| bits & 1 != 0)
}

#[cfg(test)]
mod tests {
    use std::process;

    use super::*;

    #[test]
    fn a_set_of_signals_is_read_from_its_lowest_bit() {
        // SIGPIPE is 13 and SIGCHLD is 17 on Linux.
        let set = 0x11000;
        assert!(contains(set, 13) && contains(set, 17));
        assert!(!contains(set, 2) && !contains(set, 0) && !contains(set, -1) && !contains(set, 65));
    }

    #[test]
    fn this_process_is_known() {
        let own = process::id();
        assert!(parent(own).is_some_and(|parent| parent > 0));
        assert!(name(own).is_some_and(|name| !name.is_empty()));
        // The Rust runtime ignores SIGPIPE, and SIGKILL cannot be ignored.
        assert!(is_signal_ignored(own, 13) && !is_signal_ignored(own, 9));
        assert!(!has_pending_signal(own, 13));
        assert_eq!(parent(u32::MAX), None);
        assert_eq!(parent(1).filter(|parent| *parent == 0), None);
    }
}
