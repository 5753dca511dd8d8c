//! A probe of the process group: finds out whether a signal was sent to this process alone or to its whole group.
//!
//! The receiver of a signal cannot see who else received it. `timeout`, service managers and `kill -- -GROUP` send a
//! signal to the wrapper and to the command. If the wrapper forwarded it, the command would receive it twice, and the
//! second signal would end the cleanup that the first one started.
//!
//! So a helper process stands in the same process group and does nothing. If the helper is ended by a signal, then the
//! signal was sent to the whole group, and the command has received it, too. A new helper replaces one that ended.

use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ExitCode, Stdio};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal as NamedSignal};
use prompush_core::clock::{Clock as _, SystemClock};
use rustix::process::{
    DumpableBehavior, Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, pidfd_open,
    set_dumpable_behavior, set_parent_process_death_signal, waitid,
};

use crate::process_status;
use crate::run::supervise::this_program::this_program;

/// The first argument of the helper.
pub(super) const PROBE_HELPER: &str = "probe-group";
/// The name of the helper in a list of processes. A search for this program or for gptme must not find it.
const PROCESS_NAME: &str = "signal-probe";

/// How long after the wrapper another process of the group may be sent the same signal.
const GRACE: Duration = Duration::from_millis(50);
/// How long a process may take to react to a signal on a busy machine.
const SCHEDULING_MAX: Duration = Duration::from_secs(1);

/// The probe. If no helper can be started, every signal counts as sent to the wrapper alone.
#[derive(Debug)]
pub(super) struct GroupProbe {
    helper: Option<Child>,
    /// The signal that ended the last helper, and the time at which that was noticed.
    ended_by: Option<(i32, Instant)>,
}

impl GroupProbe {
    /// Starts a helper in the process group of this process.
    pub(super) fn start() -> Self {
        Self { helper: spawn_helper().ok(), ended_by: None }
    }

    /// Whether `signal`, which this process has just received, was sent to the whole group. Waits up to a second for
    /// the answer.
    pub(super) fn was_sent_to_group(&mut self, signal: i32) -> bool {
        if !ends_a_process(signal) {
            return false;
        }
        self.check_helper();
        if self.ended_by.is_none() {
            self.wait_for_helper(GRACE);
            self.check_helper();
        }
        if self.ended_by.is_none() && self.helper.as_ref().is_some_and(|it| is_pending(it, signal))
        {
            // The helper was sent the signal and has not run since: the machine is busy, or the helper is stopped.
            self.wait_for_helper(SCHEDULING_MAX);
            self.check_helper();
            return true;
        }
        // `timeout` sends the signal to the wrapper once more, after the group: a helper that ended a moment ago
        // answers for the second signal, too.
        self.ended_by.is_some_and(|(by, _)| by == signal)
    }

    /// If the helper has ended, remembers the signal that ended it, and starts a new helper.
    pub(super) fn check_helper(&mut self) {
        self.ended_by.take_if(|(_, noticed)| SystemClock.now().duration_since(*noticed) > GRACE);
        let Some(helper) = &mut self.helper else { return };
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let status = waitid(WaitId::Pid(Pid::from_child(helper)), options);
        let Ok(Some(status)) = status else { return };
        helper.wait().ok(); // it has ended, so this call only removes it
        self.ended_by = status.terminating_signal().map(|signal| (signal, SystemClock.now()));
        self.helper = spawn_helper().ok();
    }

    /// Waits for the end of the helper, at most for `timeout`.
    fn wait_for_helper(&self, timeout: Duration) {
        let Some(helper) = &self.helper else { return };
        let Ok(fd) = pidfd_open(Pid::from_child(helper), PidfdFlags::empty()) else { return };
        let mut fds = [PollFd::new(fd.as_fd(), PollFlags::POLLIN)];
        poll(&mut fds, PollTimeout::try_from(timeout).unwrap_or(PollTimeout::ZERO)).ok(); // the caller checks next
    }
}

impl Drop for GroupProbe {
    fn drop(&mut self) {
        if let Some(helper) = &mut self.helper {
            helper.kill().ok(); // it may have ended; nobody waits for it, because this process ends soon
        }
    }
}

/// Whether the helper was sent `signal` and has not reacted yet.
fn is_pending(helper: &Child, signal: i32) -> bool {
    process_status::has_pending_signal(helper.id(), signal)
}

/// Whether the default action of `signal` ends a process.
fn ends_a_process(signal: i32) -> bool {
    !matches!(
        NamedSignal::try_from(signal),
        Ok(NamedSignal::SIGCHLD
            | NamedSignal::SIGCONT
            | NamedSignal::SIGSTOP
            | NamedSignal::SIGTSTP
            | NamedSignal::SIGTTIN
            | NamedSignal::SIGTTOU
            | NamedSignal::SIGURG
            | NamedSignal::SIGWINCH)
    )
}

fn spawn_helper() -> io::Result<Child> {
    let mut command = this_program();
    command.arg0(PROCESS_NAME).arg(PROBE_HELPER);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
}

/// The work of the helper: waits until a signal ends it, or until the wrapper ends and its stdin closes.
pub(super) fn wait_for_signal() -> ExitCode {
    set_parent_process_death_signal(Some(Signal::KILL)).ok(); // without it, the end of stdin ends the helper
    set_dumpable_behavior(DumpableBehavior::NotDumpable).ok(); // a core dump of the helper only takes space
    SigSet::empty().thread_set_mask().ok(); // the call fails only for an invalid set
    io::copy(&mut io::stdin(), &mut io::sink()).ok();
    ExitCode::SUCCESS
}
