//! What this process was given of signals, for the command to be given the same.

use std::ffi::OsString;
use std::fs;
use std::process;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use nix::sys::signal::{SigSet, Signal};
use rustix::process::getppid;

/// The variable by which systemd tells a process that it was started by it: the process's ID.
const SYSTEMD_VARIABLE: &str = "SYSTEMD_EXEC_PID";
/// Programs that leave an ignored signal ignored in what they start, and ignore SIGPIPE only when told to.
const SHELLS: [&str; 8] = ["ash", "bash", "busybox", "dash", "fish", "ksh", "sh", "zsh"];

/// What was blocked and ignored when this program started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Inherited {
    /// Bit n for signal n + 1.
    blocked: u64,
    /// Whether SIGPIPE was ignored, as far as that is to be known.
    pub(crate) is_pipe_ignored: bool,
}

impl Inherited {
    /// Has to be read before anything is blocked.
    pub(crate) fn read() -> Self {
        let blocked = SigSet::thread_get_mask().unwrap_or_else(|_| SigSet::empty());
        let bits = blocked.iter().fold(0, |bits, signal| bits | bit(signal));
        Self { blocked: bits, is_pipe_ignored: was_pipe_ignored() }
    }

    /// The signals that were blocked.
    pub(crate) fn blocked(self) -> impl Iterator<Item = Signal> {
        Signal::iterator().filter(move |signal| self.blocked & bit(*signal) != 0)
    }

    pub(crate) fn to_arguments(self) -> [String; 2] {
        [self.blocked.to_string(), u8::from(self.is_pipe_ignored).to_string()]
    }

    pub(crate) fn from_arguments(arguments: &mut impl Iterator<Item = OsString>) -> Option<Self> {
        let mut number = || arguments.next()?.into_string().ok()?.parse::<u64>().ok();
        Some(Self { blocked: number()?, is_pipe_ignored: number()? != 0 })
    }
}

/// Sees to it that children can be waited for, whatever this process has inherited.
pub(crate) fn wait_for_children() {
    if is_ignored(&read_status("self"), Signal::SIGCHLD) {
        signal_hook::flag::register(Signal::SIGCHLD as i32, Arc::new(AtomicBool::new(false))).ok();
    }
}

/// Rust ignores SIGPIPE before the first line of ours, so nothing of this process tells. A service manager's child
/// ignores it unless the unit says otherwise; a shell's child does what the shell does.
fn was_pipe_ignored() -> bool {
    let by_systemd = std::env::var_os(SYSTEMD_VARIABLE);
    if by_systemd.is_some_and(|pid| pid == process::id().to_string().as_str()) {
        return true;
    }
    let Some(parent) = getppid() else { return false };
    let status = read_status(&parent.as_raw_nonzero().to_string());
    field(&status, "Name").is_some_and(|name| SHELLS.contains(&name))
        && is_ignored(&status, Signal::SIGPIPE)
}

/// `/proc/<process>/status`.
pub(crate) fn read_status(process: &str) -> String {
    fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default()
}

fn is_ignored(status: &str, signal: Signal) -> bool {
    has_signal(status, "SigIgn", signal as i32)
}

/// Whether a set of signals in a process's status has that one.
pub(crate) fn has_signal(status: &str, set: &str, signal: i32) -> bool {
    let bits = field(status, set).and_then(|bits| u64::from_str_radix(bits, 16).ok());
    bits.is_some_and(|bits| bits.checked_shr(signal.unsigned_abs() - 1).unwrap_or(0) & 1 != 0)
}

fn field<'a>(status: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = status.lines();
    lines.find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(':')?.trim()))
}

fn bit(signal: Signal) -> u64 {
    1 << (signal as u32 - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_through_arguments() {
        let inherited = Inherited { blocked: bit(Signal::SIGUSR1), is_pipe_ignored: true };
        let mut arguments = inherited.to_arguments().into_iter().map(OsString::from);
        assert_eq!(Inherited::from_arguments(&mut arguments), Some(inherited));
        assert_eq!(inherited.blocked().collect::<Vec<_>>(), [Signal::SIGUSR1]);
        assert_eq!(Inherited::from_arguments(&mut arguments), None);
    }

    #[test]
    fn a_status_is_read() {
        let status = "Name:\tbash\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000011000\n";
        assert!(is_ignored(status, Signal::SIGPIPE) && is_ignored(status, Signal::SIGCHLD));
        assert!(!is_ignored(status, Signal::SIGINT) && !is_ignored("", Signal::SIGPIPE));
        assert_eq!(field(status, "Name"), Some("bash"));
    }
}
