//! Signals as this process gets them: blocked, and read with where they came from.
//!
//! Nothing is handled, so the command inherits every disposition as it was.

use std::io;
use std::os::fd::AsFd as _;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

use crate::error::CliError;

/// Signals that stay as they are: faults of this very process, and `SIGPIPE`, which writing to a closed pipe
/// raises in the thread that writes.
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

/// A signal that this process was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Received {
    /// Its number.
    pub(crate) signal: i32,
    /// The process that sent it; `None` if it was the kernel.
    pub(crate) sender: Option<u32>,
}

/// All signals to this process, blocked in the thread that calls and in those it starts afterwards.
#[derive(Debug)]
pub(crate) struct Signals {
    queue: SignalFd,
}

impl Signals {
    /// From now on signals wait to be read.
    ///
    /// # Errors
    /// If the system allows it not.
    pub(crate) fn block() -> Result<Self, CliError> {
        let failed = |errno: nix::Error| CliError::System("wait for signals", errno.into());
        let mut set = SigSet::all();
        for signal in NOT_BLOCKED {
            set.remove(signal);
        }
        set.thread_set_mask().map_err(failed)?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        Ok(Self { queue: SignalFd::with_flags(&set, flags).map_err(failed)? })
    }

    /// The next signal; waits for it.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn wait(&self) -> io::Result<Received> {
        loop {
            if let Some(received) = self.next()? {
                return Ok(received);
            }
            let mut fds = [PollFd::new(self.queue.as_fd(), PollFlags::POLLIN)];
            match poll(&mut fds, PollTimeout::NONE) {
                // A stop and a continue end the wait on some kernels.
                Ok(_) | Err(nix::Error::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    /// The next signal if there is one.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn next(&self) -> io::Result<Option<Received>> {
        let Some(info) = self.queue.read_signal()? else { return Ok(None) };
        // Codes of `kill`, `sigqueue` and `tgkill`; all others are the kernel's own.
        let is_from_process = matches!(info.ssi_code, 0 | -1 | -6);
        Ok(Some(Received {
            signal: i32::try_from(info.ssi_signo).unwrap_or(0),
            sender: is_from_process.then_some(info.ssi_pid),
        }))
    }
}

/// Signals by which a person or a service manager ends a program.
const ENDS: [Signal; 4] = [Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM];
/// Signals that stop a process, and that it can block.
const STOPS: [Signal; 3] = [Signal::SIGTSTP, Signal::SIGTTIN, Signal::SIGTTOU];

impl Signals {
    /// Takes what has come so far.
    pub(crate) fn drain(&self) -> Vec<Received> {
        std::iter::from_fn(|| self.next().ok().flatten()).collect()
    }

    /// Whether somebody wants this process to end; what else has come is dropped.
    pub(crate) fn is_told_to_end(&self) -> bool {
        self.drain().iter().any(|it| ENDS.iter().any(|end| *end as i32 == it.signal))
    }
}

/// From now on the terminal can stop this process again. What waits to do so has to be drained before.
pub(crate) fn allow_stops() {
    STOPS.into_iter().collect::<SigSet>().thread_unblock().ok(); // no signal is invalid
}

/// Lets `signal` through to this thread while `action` runs.
pub(crate) fn unblocked(signal: Signal, action: impl FnOnce()) {
    let set = SigSet::from(signal);
    let is_unblocked = set.thread_unblock().is_ok();
    action();
    if is_unblocked {
        set.thread_block().ok(); // the same call has just worked
    }
}
