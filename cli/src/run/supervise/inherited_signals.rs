//! The signal settings that this process inherited. The command gets the same settings.

use std::ffi::OsString;
use std::process;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use nix::sys::signal::{SigSet, Signal};
use rustix::process::getppid;

use crate::process_status;

/// systemd sets this variable to the process ID of each process that it starts itself.
const SYSTEMD_VARIABLE: &str = "SYSTEMD_EXEC_PID";
/// Shells. A shell passes an ignored signal on to what it starts, and ignores SIGPIPE only when it is told to.
const SHELLS: [&str; 8] = ["ash", "bash", "busybox", "dash", "fish", "ksh", "sh", "zsh"];

/// The signals that were blocked or ignored when this program started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct InheritedSignals {
    /// The blocked signals: bit n stands for signal n + 1.
    blocked: u64,
    /// Whether SIGPIPE was ignored. `false` where that cannot be found out.
    pub(super) is_pipe_ignored: bool,
}

impl InheritedSignals {
    /// Reads the settings of this process. Call this function before the process blocks any signal.
    pub(super) fn read() -> Self {
        let blocked = SigSet::thread_get_mask().unwrap_or_else(|_| SigSet::empty());
        let bits = blocked.iter().fold(0, |bits, signal| bits | bit(signal));
        Self { blocked: bits, is_pipe_ignored: was_pipe_ignored() }
    }

    /// The signals that were blocked.
    pub(super) fn blocked(self) -> impl Iterator<Item = Signal> {
        Signal::iterator().filter(move |signal| self.blocked & bit(*signal) != 0)
    }

    /// The settings as arguments of a helper process.
    pub(super) fn to_arguments(self) -> [String; 2] {
        [self.blocked.to_string(), u8::from(self.is_pipe_ignored).to_string()]
    }

    /// The settings from the arguments of a helper process; nothing if the arguments are not such settings.
    pub(super) fn from_arguments(arguments: &mut impl Iterator<Item = OsString>) -> Option<Self> {
        let mut number = || arguments.next()?.into_string().ok()?.parse::<u64>().ok();
        Some(Self { blocked: number()?, is_pipe_ignored: number()? != 0 })
    }
}

/// Makes sure that this process can wait for its children. A process that inherited an ignored SIGCHLD could not: the
/// kernel would drop the exit status of each child.
pub(super) fn reset_child_signal() {
    if process_status::is_signal_ignored(process::id(), Signal::SIGCHLD as i32) {
        let flag = Arc::new(AtomicBool::new(false));
        signal_hook::flag::register(Signal::SIGCHLD as i32, flag).ok(); // SIGCHLD can be handled
    }
}

/// Whether SIGPIPE was ignored when this program started.
///
/// The Rust runtime ignores SIGPIPE before `main`, so the state of this process no longer tells. systemd ignores it for
/// every process that it starts, unless the unit says otherwise. A child of a shell has the setting of the shell.
fn was_pipe_ignored() -> bool {
    let systemd_child = std::env::var_os(SYSTEMD_VARIABLE);
    if systemd_child.is_some_and(|pid| pid == process::id().to_string().as_str()) {
        return true;
    }
    let Some(parent) = getppid() else { return false };
    let parent = parent.as_raw_nonzero().get().unsigned_abs();
    process_status::name(parent).is_some_and(|name| SHELLS.contains(&name.as_str()))
        && process_status::is_signal_ignored(parent, Signal::SIGPIPE as i32)
}

fn bit(signal: Signal) -> u64 {
    1 << (signal as u32 - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_through_arguments() {
        let inherited = InheritedSignals { blocked: bit(Signal::SIGUSR1), is_pipe_ignored: true };
        let mut arguments = inherited.to_arguments().into_iter().map(OsString::from);
        assert_eq!(InheritedSignals::from_arguments(&mut arguments), Some(inherited));
        assert_eq!(inherited.blocked().collect::<Vec<_>>(), [Signal::SIGUSR1]);
        assert_eq!(InheritedSignals::from_arguments(&mut arguments), None);
    }
}
