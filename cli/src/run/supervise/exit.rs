//! How a command ended, and how this process ends in the same way.

use std::process::ExitCode;

use nix::sys::signal::SigSet;
use rustix::process::{DumpableBehavior, getpid, set_dumpable_behavior};
use signal_hook::low_level::emulate_default_handler;

use crate::run::supervise::send_signal::send_signal;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// The command exited with this code.
    Code(u8),
    /// The signal with this number ended the command.
    Signal(i32),
}

impl Exit {
    /// Whether the command exited with code 0.
    pub(crate) fn is_success(self) -> bool {
        self == Self::Code(0)
    }

    /// The exit code as a shell shows it. For a signal it is 128 and the number of the signal.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Code(code) => code,
            Self::Signal(signal) => 128_u8.saturating_add(u8::try_from(signal).unwrap_or(0)),
        }
    }

    /// Ends this process by the signal that ended the command. If no signal ended it, returns its exit code.
    pub(crate) fn end_process(self) -> ExitCode {
        // Process 1 of a container cannot be ended by its own signal: emulating one would only crash it.
        if let (Self::Signal(signal), false) = (self, getpid().is_init()) {
            // The command has written its core dump already. A second one, of this process, would mislead.
            set_dumpable_behavior(DumpableBehavior::NotDumpable).ok(); // a second core dump does no harm
            emulate_default_handler(signal).ok(); // fails for a signal that `signal_hook` does not know
            // SIGIO, SIGPWR, SIGSTKFLT and real-time signals are such signals. Their default action ends the process.
            SigSet::empty().thread_set_mask().ok(); // the call fails only for an invalid set
            send_signal(getpid(), signal);
        }
        ExitCode::from(self.code())
    }
}
