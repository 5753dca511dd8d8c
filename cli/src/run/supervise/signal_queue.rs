//! The signals of this process: blocked, and read one by one with their senders.
//!
//! No signal is handled, so the command inherits every disposition unchanged.

use std::io;
use std::os::fd::AsFd as _;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

use crate::error::CliError;

/// Signals that are not blocked: faults of this process, and SIGPIPE, which the kernel sends to a thread that writes to
/// a closed pipe.
const NOT_BLOCKED: [Signal; 8] = [
    Signal::SIGABRT,
    Signal::SIGBUS,
    Signal::SIGFPE,
    Signal::SIGILL,
    Signal::SIGPIPE,
    Signal::SIGSEGV,
    Signal::SIGSYS,
    Signal::SIGTRAP,
];

/// Signals with which a person or a service manager ends a program.
const ENDING: [Signal; 4] = [Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM];
/// Signals that stop a process and can be blocked.
const STOPPING: [Signal; 3] = [Signal::SIGTSTP, Signal::SIGTTIN, Signal::SIGTTOU];

/// A signal that was sent to this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ReceivedSignal {
    /// The number of the signal.
    pub(super) signal: i32,
    /// The ID of the process that sent the signal. `None` if the kernel sent it.
    pub(super) sender: Option<u32>,
}

/// The queue of the signals that were sent to this process and have not been read.
#[derive(Debug)]
pub(super) struct SignalQueue {
    queue: SignalFd,
}

impl SignalQueue {
    /// Blocks the signals, in the calling thread and in every thread that it starts later. From now on, a signal waits
    /// in the queue until it is read.
    ///
    /// # Errors
    /// [`CliError::System`] if the system refuses it.
    pub(super) fn block() -> Result<Self, CliError> {
        let failed = |errno: nix::Error| CliError::System("wait for signals", errno.into());
        let mut set = SigSet::all();
        for signal in NOT_BLOCKED {
            set.remove(signal);
        }
        set.thread_set_mask().map_err(failed)?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        Ok(Self { queue: SignalFd::with_flags(&set, flags).map_err(failed)? })
    }

    /// Waits for the next signal.
    ///
    /// # Errors
    /// The error of the system.
    pub(super) fn wait(&self) -> io::Result<ReceivedSignal> {
        loop {
            if let Some(received) = self.next()? {
                return Ok(received);
            }
            let mut fds = [PollFd::new(self.queue.as_fd(), PollFlags::POLLIN)];
            match poll(&mut fds, PollTimeout::NONE) {
                // On some kernels the wait ends when this process was stopped and continued.
                Ok(_) | Err(nix::Error::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    /// The next signal, if there is one. Does not wait.
    ///
    /// # Errors
    /// The error of the system.
    pub(super) fn next(&self) -> io::Result<Option<ReceivedSignal>> {
        let Some(info) = self.queue.read_signal()? else { return Ok(None) };
        // The codes of `kill`, `sigqueue` and `tgkill`. The kernel uses the other codes.
        let is_from_process = matches!(info.ssi_code, 0 | -1 | -6);
        Ok(Some(ReceivedSignal {
            signal: i32::try_from(info.ssi_signo).unwrap_or(0),
            sender: is_from_process.then_some(info.ssi_pid),
        }))
    }

    /// Reads all signals that have arrived so far. Does not wait.
    pub(super) fn drain(&self) -> Vec<ReceivedSignal> {
        std::iter::from_fn(|| self.next().ok().flatten()).collect()
    }

    /// Reads all signals that have arrived so far: whether one of them asks this process to end.
    pub(super) fn has_ending_signal(&self) -> bool {
        self.drain().iter().any(|it| ENDING.iter().any(|ending| *ending as i32 == it.signal))
    }
}

/// Lets the signals that stop a process stop this process again. Drain the queue before: a stop signal in it would
/// stop the process at once.
pub(super) fn unblock_stop_signals() {
    STOPPING.into_iter().collect::<SigSet>().thread_unblock().ok(); // the call fails only for an invalid set
}

/// Unblocks `signal` in this thread while `action` runs.
pub(super) fn with_unblocked(signal: Signal, action: impl FnOnce()) {
    let set = SigSet::from(signal);
    let is_unblocked = set.thread_unblock().is_ok();
    action();
    if is_unblocked {
        set.thread_block().ok(); // the opposite call has just succeeded
    }
}
