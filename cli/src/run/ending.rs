//! How a command ended, and how this process ends the same way.

use std::process::ExitCode;

use nix::sys::signal::SigSet;
use rustix::process::{DumpableBehavior, getpid, set_dumpable_behavior};
use signal_hook::low_level::emulate_default_handler;

use crate::run::supervise;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It returned that code.
    Exited(u8),
    /// The signal with that number ended it.
    Signalled(i32),
}

impl Ending {
    /// Whether all went well.
    pub(crate) fn is_success(self) -> bool {
        self == Self::Exited(0)
    }

    /// The exit code as shells show it: 128 and the signal's number for a command that a signal ended.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Exited(code) => code,
            Self::Signalled(signal) => 128_u8.saturating_add(u8::try_from(signal).unwrap_or(0)),
        }
    }

    /// Ends this process by the signal that ended the command; otherwise gives its exit code.
    pub(crate) fn take(self) -> ExitCode {
        // No signal ends the first process of a container; it could only crash.
        if let (Self::Signalled(signal), false) = (self, getpid().is_init()) {
            // The command has left its core already, if any was to be left.
            set_dumpable_behavior(DumpableBehavior::NotDumpable).ok();
            emulate_default_handler(signal).ok(); // it does not know all of them
            // SIGIO, SIGPWR, SIGSTKFLT and real-time signals end a process, too, unless they are ignored.
            SigSet::empty().thread_set_mask().ok(); // no mask is invalid
            supervise::send(getpid(), signal);
        }
        ExitCode::from(self.code())
    }
}
