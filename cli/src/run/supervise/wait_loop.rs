//! Waits for the end of the command. Meanwhile, forwards signals to the command, and stops when it stops.

use std::io;

use nix::sys::signal::Signal as NamedSignal;
use nix::unistd;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, WaitIdStatus, getpid, kill_process, waitid,
};

use crate::error::CliError;
use crate::run::supervise::exit::Exit;
use crate::run::supervise::forwarding::is_forwarded;
use crate::run::supervise::group_probe::GroupProbe;
use crate::run::supervise::send_signal::send_signal;
use crate::run::supervise::signal_queue::{ReceivedSignal, SignalQueue, with_unblocked};

const SIGCHLD: i32 = NamedSignal::SIGCHLD as i32;
const SIGCONT: i32 = NamedSignal::SIGCONT as i32;

/// The loop that accompanies the command, and what it knows about the command.
#[derive(Debug)]
pub(super) struct WaitLoop<'a> {
    command: Pid,
    probe: &'a mut GroupProbe,
    signals: &'a SignalQueue,
    is_stopped: bool,
    is_session_leader: bool,
    has_job_control: bool,
}

impl<'a> WaitLoop<'a> {
    pub(super) fn new(command: Pid, probe: &'a mut GroupProbe, signals: &'a SignalQueue) -> Self {
        Self {
            command,
            probe,
            signals,
            is_stopped: false,
            is_session_leader: unistd::getsid(None) == Ok(unistd::getpid()),
            has_job_control: has_job_control(),
        }
    }

    /// Waits until the command has ended. Forwards the signals that arrived `early`, before the command existed, first.
    ///
    /// # Errors
    /// [`CliError::System`] if the system cannot say how the command ended.
    pub(super) fn run(mut self, early: &[ReceivedSignal]) -> Result<Exit, CliError> {
        let failed = |error| CliError::System("wait for the command", error);
        for received in early {
            send_signal(self.command, received.signal);
        }
        loop {
            let received = self.signals.wait().map_err(failed)?;
            // The queue hands out the lowest number first. So a signal such as SIGTERM that arrives again and again
            // would hide SIGCHLD for ever: every signal is an occasion to look at the command.
            self.probe.check_helper();
            if let Some(exit) = self.read_changes().map_err(failed)? {
                return Ok(exit);
            }
            self.forward(received);
        }
    }

    /// Reads the changes of the state of the command: stops when the command has stopped, and returns how it ended.
    fn read_changes(&mut self) -> io::Result<Option<Exit>> {
        let options = WaitIdOptions::EXITED
            | WaitIdOptions::STOPPED
            | WaitIdOptions::CONTINUED
            | WaitIdOptions::NOHANG;
        while let Some(status) = waitid(WaitId::Pid(self.command), options)? {
            if let Some(exit) = exit(&status) {
                return Ok(Some(exit));
            }
            self.is_stopped = status.stopped();
            if let Some(signal) = status.stopping_signal()
                && self.has_job_control
            {
                self.stop(signal);
            }
        }
        Ok(None)
    }

    /// Stops this process with the signal that stopped the command, so that a shell with job control notices the stop.
    /// Returns when this process is continued.
    fn stop(&mut self, signal: i32) {
        // The signal that stopped the command may be in the queue as well. It would stop this process a second time.
        let received = self.signals.drain();
        for received in &received {
            self.forward(*received);
        }
        if received.iter().any(|it| it.signal == SIGCONT) {
            return; // the command has been continued already
        }
        let Some(signal) = Signal::from_named_raw(signal) else { return };
        let stop = || {
            kill_process(getpid(), signal).ok(); // a process can always send a signal to itself
        };
        match NamedSignal::try_from(signal.as_raw()) {
            Ok(NamedSignal::SIGSTOP) | Err(_) => stop(),
            Ok(named) => with_unblocked(named, stop),
        }
    }

    /// Forwards a signal to the command, unless the command has received it already or it is not meant for the command.
    fn forward(&mut self, received: ReceivedSignal) {
        if received.signal == SIGCHLD {
            return;
        }
        let is_continue = received.signal == SIGCONT;
        // SIGCONT to the group has continued the command as well.
        if is_continue && !self.is_stopped {
            return;
        }
        let command = self.command.as_raw_nonzero().get().unsigned_abs();
        if is_continue {
            send_signal(self.command, received.signal);
        } else if is_forwarded(received, command, self.is_session_leader) {
            // For a signal of the kernel, `is_forwarded` knows the receivers. For the signal of a process, the probe
            // does.
            let is_of_the_kernel = received.sender.is_none();
            if is_of_the_kernel || !self.probe.was_sent_to_group(received.signal) {
                send_signal(self.command, received.signal);
            }
        }
    }
}

fn exit(status: &WaitIdStatus) -> Option<Exit> {
    let exited = status.exit_status().map(|code| Exit::Code(code.to_le_bytes()[0]));
    exited.or_else(|| status.terminating_signal().map(Exit::Signal))
}

/// Whether the parent is a shell with job control: it puts this process, or its pipeline, into a process group of its
/// own.
///
/// In a PID namespace, as a container has one, a parent outside of the namespace has the ID 0. For the ID 0 the system
/// answers for this process itself, so the groups are equal and the answer is `false`.
fn has_job_control() -> bool {
    let (parent, session) = (Some(unistd::getppid()), unistd::getsid(None));
    session.is_ok()
        && unistd::getsid(parent) == session
        && unistd::getpgid(parent).is_ok_and(|group| group != unistd::getpgrp())
}
