//! Waits for the command, passes signals on to it, and stops when it stops.

use std::io;
use std::process::{Command, Stdio};

use nix::sys::signal::Signal as NamedSignal;
use nix::unistd;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, WaitIdStatus, getpid, kill_process, waitid,
};

use crate::error::CliError;
use crate::run::ending::Ending;
use crate::run::relay;
use crate::run::signals::{Received, Signals, unblocked};
use crate::run::witness::Witness;

const SIGCHLD: i32 = NamedSignal::SIGCHLD as i32;
const SIGCONT: i32 = NamedSignal::SIGCONT as i32;

/// The command while it runs.
#[derive(Debug)]
pub(crate) struct Supervised<'w> {
    pid: Pid,
    witness: &'w mut Witness,
    is_stopped: bool,
    is_session_leader: bool,
    has_job_control: bool,
}

impl<'w> Supervised<'w> {
    pub(crate) fn new(pid: Pid, witness: &'w mut Witness) -> Self {
        Self {
            pid,
            witness,
            is_stopped: false,
            is_session_leader: unistd::getsid(None) == Ok(unistd::getpid()),
            has_job_control: has_job_control(),
        }
    }

    /// Waits until the command has ended; passes on what came `early`, before there was a command.
    ///
    /// # Errors
    /// If the system cannot say how it ended.
    pub(crate) fn wait(
        mut self,
        signals: &Signals,
        early: &[Received],
    ) -> Result<Ending, CliError> {
        let failed = |error| CliError::System("wait for the command", error);
        for received in early {
            send(self.pid, received.signal);
        }
        loop {
            let received = signals.wait().map_err(failed)?;
            if received.signal == SIGCHLD {
                self.witness.look();
                if let Some(ending) = self.changes(signals).map_err(failed)? {
                    return Ok(ending);
                }
            } else {
                self.pass_on(received);
            }
        }
    }

    /// What has become of the command.
    fn changes(&mut self, signals: &Signals) -> io::Result<Option<Ending>> {
        let options = WaitIdOptions::EXITED
            | WaitIdOptions::STOPPED
            | WaitIdOptions::CONTINUED
            | WaitIdOptions::NOHANG;
        while let Some(status) = waitid(WaitId::Pid(self.pid), options)? {
            if let Some(ending) = ending(&status) {
                return Ok(Some(ending));
            }
            self.is_stopped = status.stopped();
            if let Some(signal) = status.stopping_signal()
                && self.has_job_control
            {
                self.stop(signal, signals);
            }
        }
        Ok(None)
    }

    /// Stops as the command has stopped, so that a shell with job control sees it; until it is continued.
    fn stop(&mut self, signal: i32, signals: &Signals) {
        // What stopped the command may wait here as well; it would stop this process a second time.
        let received = signals.drain();
        for received in &received {
            self.pass_on(*received);
        }
        if received.iter().any(|it| it.signal == SIGCONT) {
            return; // it has been continued already
        }
        let Some(signal) = Signal::from_named_raw(signal) else { return };
        let stop = || {
            kill_process(getpid(), signal).ok(); // a process may always signal itself
        };
        match NamedSignal::try_from(signal.as_raw()) {
            Ok(NamedSignal::SIGSTOP) | Err(_) => stop(),
            Ok(named) => unblocked(named, stop),
        }
    }

    fn pass_on(&mut self, received: Received) {
        if received.signal == SIGCHLD {
            return;
        }
        let is_continue = received.signal == SIGCONT;
        // Who continues the group has continued the command as well.
        if is_continue && !self.is_stopped {
            return;
        }
        let command = self.pid.as_raw_nonzero().get().unsigned_abs();
        if is_continue {
            send(self.pid, received.signal);
        } else if relay::is_passed_on(received, command, self.is_session_leader) {
            // The kernel's own signals are known by what they are.
            let is_known = received.sender.is_none();
            if is_known || !self.witness.had(received.signal) {
                send(self.pid, received.signal);
            }
        }
    }
}

fn ending(status: &WaitIdStatus) -> Option<Ending> {
    let exited = status.exit_status().map(|code| Ending::Exited(code.to_le_bytes()[0]));
    exited.or_else(|| status.terminating_signal().map(Ending::Signalled))
}

/// Sends a signal to the command, which has not been waited for, so that its process ID is its own; or to this process.
pub(crate) fn send(pid: Pid, signal: i32) {
    if let Some(signal) = Signal::from_named_raw(signal) {
        kill_process(pid, signal).ok(); // it may be another user's by now: then it would not have had it, either
        return;
    }
    // Real-time signals have numbers only.
    let mut kill = Command::new("/bin/sh");
    kill.args(["-c", "kill -\"$0\" \"$1\""]);
    kill.args([signal.to_string(), pid.as_raw_nonzero().to_string()]);
    kill.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    kill.status().ok(); // without a shell there are no real-time signals
}

/// Whether the parent is a shell that has given this process, or its pipeline, a group of its own.
///
/// In a PID namespace, as containers have one, whatever is outside of it has the ID 0. Asked about a parent 0, the
/// system answers for this process, whose group is its own.
fn has_job_control() -> bool {
    let (parent, session) = (Some(unistd::getppid()), unistd::getsid(None));
    session.is_ok()
        && unistd::getsid(parent) == session
        && unistd::getpgid(parent).is_ok_and(|group| group != unistd::getpgrp())
}
