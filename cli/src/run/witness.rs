//! A process beside the command that does nothing: a signal that ends it was sent to all, and to the command as well.
//!
//! Who is sent a signal is not told who else was. `timeout`, service managers and `kill -- -GROUP` send one to the
//! wrapper and to the command; a second one, passed on, would end what cleans up after the first.

use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal as NamedSignal};
use rustix::process::{
    DumpableBehavior, Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, pidfd_open,
    set_dumpable_behavior, set_parent_process_death_signal, waitid,
};

use crate::run::command::THIS_PROGRAM;
use crate::run::hiding::ARGUMENTS_VARIABLE;
use crate::run::inherited::{has_signal, read_status};
use crate::run::report::now;

/// Stands in place of a subcommand when this program is to be a witness.
pub(crate) const STAND_BY: &str = "stand-by";
/// What is seen of it in a list of processes; nobody who looks for this program is to find it.
const NAME: &str = "bystander";

/// How long the others of a group may be sent a signal after the wrapper.
const GRACE: Duration = Duration::from_millis(50);
/// How long a process may take to notice a signal.
const SCHEDULED_WITHIN: Duration = Duration::from_secs(1);

/// The witness, unless none can be started: then every signal looks as if it was sent to the wrapper alone.
#[derive(Debug)]
pub(crate) struct Witness {
    child: Option<Child>,
    /// What ended the last one, and when that was seen.
    ended_by: Option<(i32, Instant)>,
}

impl Witness {
    /// Starts it in the process group of this process.
    pub(crate) fn start() -> Self {
        Self { child: spawn().ok(), ended_by: None }
    }

    /// Whether it was sent that signal, too.
    pub(crate) fn had(&mut self, signal: i32) -> bool {
        if !ends_a_process(signal) {
            return false;
        }
        self.look();
        if self.ended_by.is_none() {
            self.wait(GRACE);
            self.look();
        }
        if self.ended_by.is_none() && self.child.as_ref().is_some_and(|it| is_pending(it, signal)) {
            // On a machine that has much to do it dies a little later; where it is stopped, much later.
            self.wait(SCHEDULED_WITHIN);
            self.look();
            return true;
        }
        // `timeout` sends to the wrapper once more: what came a moment ago counts for that, too.
        self.ended_by.is_some_and(|(by, _)| by == signal)
    }

    /// Notices its end, and starts another one.
    pub(crate) fn look(&mut self) {
        self.ended_by.take_if(|(_, seen)| seen.elapsed() > GRACE);
        let Some(child) = &mut self.child else { return };
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let Ok(Some(status)) = waitid(WaitId::Pid(Pid::from_child(child)), options) else { return };
        child.wait().ok(); // it has ended, as was just seen
        self.ended_by = status.terminating_signal().map(|signal| (signal, now()));
        self.child = spawn().ok();
    }

    /// Waits for its end.
    fn wait(&self, within: Duration) {
        let Some(child) = &self.child else { return };
        let Ok(fd) = pidfd_open(Pid::from_child(child), PidfdFlags::empty()) else { return };
        let mut fds = [PollFd::new(fd.as_fd(), PollFlags::POLLIN)];
        poll(&mut fds, PollTimeout::try_from(within).unwrap_or(PollTimeout::ZERO)).ok(); // it is looked at next
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            child.kill().ok(); // it may have ended; whoever inherits it waits for it, as this process is about to end
        }
    }
}

/// Whether it was sent that signal, and has not noticed yet.
fn is_pending(child: &Child, signal: i32) -> bool {
    has_signal(&read_status(&child.id().to_string()), "ShdPnd", signal)
}

/// Whether that signal ends whoever does nothing about it.
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

fn spawn() -> io::Result<Child> {
    let mut command = Command::new(THIS_PROGRAM);
    command.arg0(NAME).arg(STAND_BY).env_remove(ARGUMENTS_VARIABLE);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
}

/// Does nothing until a signal comes, or until the wrapper ends.
pub(crate) fn stand_by() -> ExitCode {
    set_parent_process_death_signal(Some(Signal::KILL)).ok(); // its stdin ends, too
    set_dumpable_behavior(DumpableBehavior::NotDumpable).ok(); // a core of it is of no use
    SigSet::empty().thread_set_mask().ok(); // no mask is invalid
    io::copy(&mut io::stdin(), &mut io::sink()).ok();
    ExitCode::SUCCESS
}
