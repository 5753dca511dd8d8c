//! The interface of the supervision: prepare, start the command, wait for its end, watch for an interruption.

use std::ffi::OsString;
use std::process::Child;
use std::time::{Duration, Instant, SystemTime};

use prompush_core::clock::{Clock as _, SystemClock};
use rustix::process::Pid;

use crate::error::CliError;
use crate::run::supervise::exec;
use crate::run::supervise::exit::Exit;
use crate::run::supervise::group_probe::GroupProbe;
use crate::run::supervise::inherited_signals::{InheritedSignals, reset_child_signal};
use crate::run::supervise::resource_usage::{ChildUsage, ResourceUsage};
use crate::run::supervise::signal_queue::{ReceivedSignal, SignalQueue, unblock_stop_signals};
use crate::run::supervise::wait_loop::WaitLoop;

/// A process that is ready to supervise one command.
#[derive(Debug)]
pub(crate) struct Supervisor {
    inherited: InheritedSignals,
    signals: SignalQueue,
}

impl Supervisor {
    /// Blocks every signal of this process, so that signals can be read one by one.
    ///
    /// The block holds for the calling thread and for threads that it starts later. Call this function before the
    /// process starts its first thread: another thread would still be ended by a signal.
    ///
    /// # Errors
    /// [`CliError::System`] if the system refuses to queue the signals.
    pub(crate) fn prepare() -> Result<Self, CliError> {
        let inherited = InheritedSignals::read();
        reset_child_signal();
        Ok(Self { inherited, signals: SignalQueue::block()? })
    }

    /// Starts `command` with the environment of this process and with `variables`.
    ///
    /// Stdin and stdout of this process are closed afterwards: they belong to the command.
    ///
    /// # Errors
    /// [`CliError::System`] if no process can be started. A command that cannot be executed is no error here: the new
    /// process prints the error and exits with 126 or 127, as a shell does.
    pub(crate) fn spawn(
        &self,
        command: &[OsString],
        variables: &[(&str, OsString)],
    ) -> Result<RunningCommand<'_>, CliError> {
        let early_signals = self.signals.drain();
        let usage_before = ChildUsage::read();
        let (started_at, started) = (SystemClock.wall(), SystemClock.now());
        let child = exec::spawn(command, variables, self.inherited)?;
        exec::release_stdio().ok(); // without it, a reader of the output waits for the end of the last push
        let probe = GroupProbe::start();
        let signals = &self.signals;
        Ok(RunningCommand {
            signals,
            early_signals,
            usage_before,
            started_at,
            started,
            child,
            probe,
        })
    }

    /// Watches for a signal that ends this process. Call this method after the command has ended.
    ///
    /// Signals that arrived until now are dropped, because the command received them, too. Signals that stop a
    /// process, such as the one of Ctrl-Z, stop this process again.
    pub(crate) fn watch_for_interruption(&self) -> Interruption<'_> {
        self.signals.drain();
        unblock_stop_signals();
        Interruption { signals: &self.signals }
    }
}

/// A command that runs, or that has ended and has not been waited for.
#[derive(Debug)]
pub(crate) struct RunningCommand<'a> {
    signals: &'a SignalQueue,
    /// Signals that arrived before the command existed.
    early_signals: Vec<ReceivedSignal>,
    usage_before: ChildUsage,
    started_at: SystemTime,
    started: Instant,
    child: Child,
    probe: GroupProbe,
}

impl RunningCommand<'_> {
    /// The process ID of the command.
    pub(crate) fn process_id(&self) -> u32 {
        self.child.id()
    }

    /// The time at which the command started.
    pub(crate) fn started_at(&self) -> SystemTime {
        self.started_at
    }

    /// Waits until the command has ended. Meanwhile, forwards signals to the command, and stops when it stops.
    ///
    /// # Errors
    /// [`CliError::System`] if the system cannot say how the command ended.
    pub(crate) fn wait(mut self) -> Result<CompletedCommand, CliError> {
        let process_id = Pid::from_child(&self.child);
        let exit =
            WaitLoop::new(process_id, &mut self.probe, self.signals).run(&self.early_signals)?;
        let usage = ChildUsage::read().since(&self.usage_before);
        let duration = SystemClock.now().saturating_duration_since(self.started);
        Ok(CompletedCommand { exit, usage, duration, ended_at: SystemClock.wall() })
    }
}

/// A command that has ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CompletedCommand {
    pub(crate) exit: Exit,
    pub(crate) usage: ResourceUsage,
    /// The time from the start to the end, by a clock that nobody sets.
    pub(crate) duration: Duration,
    pub(crate) ended_at: SystemTime,
}

/// Tells whether a person or a service manager wants this process to end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Interruption<'a> {
    signals: &'a SignalQueue,
}

impl Interruption<'_> {
    /// Whether SIGHUP, SIGINT, SIGQUIT or SIGTERM arrived since the last call. Other signals are dropped.
    pub(crate) fn is_requested(self) -> bool {
        self.signals.has_ending_signal()
    }
}
