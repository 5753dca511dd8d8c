//! The worker processes of the demo.

use std::io::{self, BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::Sender;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::commands::demo::results::{PlannedEnd, Results, WorkerResult};
use crate::commands::demo::schedule::{
    ENDS_AFTER, JOB, KILLED_AFTER, PUSH_INTERVAL, TERMINATED_AFTER, TTL, WORKER_TIME_MAX,
};
use crate::commands::demo::screen::Screen;
use crate::commands::demo::worker::REPORT;
use crate::error::CliError;

/// Something that happened during the demo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A worker reported how much it has recorded so far.
    Recorded { worker: usize, total: u64 },
    /// The stdout of a worker was closed: the worker has ended or is about to end.
    Closed { worker: usize },
    /// A signal asks the demo to end.
    Signal(i32),
}

/// The worker processes. Dropping this value ends the workers that still run.
#[derive(Debug)]
pub(super) struct WorkerProcesses {
    children: Vec<Child>,
}

impl WorkerProcesses {
    /// Starts all workers.
    ///
    /// # Errors
    /// [`CliError::System`] if a worker cannot be started. The other workers are ended then.
    pub(super) fn start(
        results: &Results,
        url: &str,
        is_own: bool,
        events: &Sender<Event>,
        screen: &mut Screen,
    ) -> Result<Self, CliError> {
        let failed = |error: io::Error| CliError::System("start the demo's workers", error);
        let program = std::env::current_exe().map_err(failed)?;
        let mut workers = Self { children: Vec::new() };
        for (index, worker) in results.workers.iter().enumerate() {
            let mut command = Command::new(&program);
            command.args(arguments(worker, url)).stdin(Stdio::null()).stdout(Stdio::piped());
            if is_own {
                command.arg("--no-proxy");
            }
            let mut child = command.spawn().map_err(failed)?;
            screen.line(&format!("started {}: {}", worker.instance, worker.end.plan()));
            let stdout = child.stdout.take();
            workers.children.push(child);
            let events = events.clone();
            let reader = move || read_reports(index, stdout, &events);
            let name = format!("reports-{}", worker.instance);
            thread::Builder::new().name(name).spawn(reader).map_err(failed)?;
        }
        Ok(workers)
    }

    /// Sends each signal once, when its time has come.
    pub(super) fn send_due_signals(
        &mut self,
        elapsed: Duration,
        results: &mut Results,
        screen: &mut Screen,
    ) -> Result<(), CliError> {
        for (worker, child) in results.workers.iter_mut().zip(&mut self.children) {
            let (due, signal) = match worker.end {
                PlannedEnd::ByItself => continue,
                PlannedEnd::Terminated => (TERMINATED_AFTER, Signal::TERM),
                PlannedEnd::Killed => (KILLED_AFTER, Signal::KILL),
            };
            if elapsed < due || worker.is_signalled || worker.has_ended() {
                continue;
            }
            worker.is_signalled = true;
            let name = if signal == Signal::TERM { "SIGTERM" } else { "SIGKILL" };
            screen.line(&format!("sent {name} to {}", worker.instance));
            // The process was not waited for yet, so its ID still belongs to it.
            kill_process(Pid::from_child(child), signal)
                .map_err(|error| CliError::System("signal a worker", error.into()))?;
        }
        Ok(())
    }

    /// Waits for the end of a worker whose stdout was closed.
    pub(super) fn wait(&mut self, worker: usize) -> Result<ExitStatus, CliError> {
        self.children[worker].wait().map_err(|error| CliError::System("wait for a worker", error))
    }
}

impl Drop for WorkerProcesses {
    fn drop(&mut self) {
        for child in &mut self.children {
            // This fails for a worker that was waited for already, which needs nothing more.
            child.kill().ok();
            child.wait().ok();
        }
    }
}

fn arguments(worker: &WorkerResult, url: &str) -> Vec<String> {
    let ends_after = if worker.end == PlannedEnd::ByItself { ENDS_AFTER } else { WORKER_TIME_MAX };
    let time = |time: Duration| format!("{}ms", time.as_millis());
    let mut arguments: Vec<String> = ["demo-worker", "--gateway", url, "--job", JOB]
        .into_iter()
        .chain(["--instance", &worker.instance])
        .map(str::to_owned)
        .collect();
    arguments.extend(["--ends-after".to_owned(), time(ends_after)]);
    arguments.extend(["--interval".to_owned(), time(PUSH_INTERVAL)]);
    if worker.end == PlannedEnd::Killed {
        arguments.extend(["--ttl".to_owned(), time(TTL)]);
    }
    arguments
}

fn read_reports(worker: usize, stdout: Option<ChildStdout>, events: &Sender<Event>) {
    let lines = stdout.into_iter().flat_map(|stdout| BufReader::new(stdout).lines());
    for line in lines.map_while(Result::ok) {
        let total = line.strip_prefix(REPORT).and_then(|total| total.parse().ok());
        if let Some(total) = total
            && events.send(Event::Recorded { worker, total }).is_err()
        {
            return;
        }
    }
    // Sending fails only when the demo is ending.
    events.send(Event::Closed { worker }).ok();
}
