//! The demo's worker processes.

use std::io::{self, BufRead as _, BufReader};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::Sender;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::screen::Screen;
use super::tally::{Ending, Tally, WorkerTally};
use super::worker::REPORT;
use super::{ENDS_AFTER, JOB, KILLED_AFTER, PUSH_INTERVAL, TERMINATED_AFTER, TTL, WORKER_TIME_MAX};
use crate::error::CliError;

/// Something that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A worker said how much it has recorded so far.
    Recorded { worker: usize, total: u64 },
    /// A worker's stdout has ended, and so has the worker, or is about to.
    Closed { worker: usize },
    /// The demo itself is to end.
    Signal(i32),
}

/// The worker processes; dropping it ends those that still run.
#[derive(Debug)]
pub(super) struct Fleet {
    children: Vec<Child>,
}

impl Fleet {
    /// Starts all workers.
    ///
    /// # Errors
    /// If one cannot be started; the others are ended then.
    pub(super) fn start(
        tally: &Tally,
        url: &str,
        is_own: bool,
        events: &Sender<Event>,
        screen: &mut Screen,
    ) -> Result<Self, CliError> {
        let failed = |error: io::Error| CliError::System("start the demo's workers", error);
        let program = std::env::current_exe().map_err(failed)?;
        let mut fleet = Self { children: Vec::new() };
        for (index, worker) in tally.workers.iter().enumerate() {
            let mut command = Command::new(&program);
            command.args(arguments(worker, url)).stdin(Stdio::null()).stdout(Stdio::piped());
            if is_own {
                command.arg("--no-proxy");
            }
            let mut child = command.spawn().map_err(failed)?;
            screen.line(&format!("started {}: {}", worker.instance, worker.ending.plan()));
            let stdout = child.stdout.take();
            fleet.children.push(child);
            let events = events.clone();
            let reader = move || read_reports(index, stdout, &events);
            let name = format!("reports-{}", worker.instance);
            thread::Builder::new().name(name).spawn(reader).map_err(failed)?;
        }
        Ok(fleet)
    }

    /// Sends the signals whose time has come, each once.
    pub(super) fn act(
        &mut self,
        elapsed: Duration,
        tally: &mut Tally,
        screen: &mut Screen,
    ) -> Result<(), CliError> {
        for (worker, child) in tally.workers.iter_mut().zip(&mut self.children) {
            let (due, signal) = match worker.ending {
                Ending::ByItself => continue,
                Ending::Terminated => (TERMINATED_AFTER, Signal::TERM),
                Ending::Killed => (KILLED_AFTER, Signal::KILL),
            };
            if elapsed < due || worker.is_signalled || worker.has_ended() {
                continue;
            }
            worker.is_signalled = true;
            let name = if signal == Signal::TERM { "SIGTERM" } else { "SIGKILL" };
            screen.line(&format!("{name} to {}", worker.instance));
            // Not waited for yet, so the id is still that process's own.
            kill_process(Pid::from_child(child), signal)
                .map_err(|error| CliError::System("signal a worker", error.into()))?;
        }
        Ok(())
    }

    /// Waits for a worker whose stdout has ended.
    pub(super) fn wait(&mut self, worker: usize) -> Result<ExitStatus, CliError> {
        self.children[worker].wait().map_err(|error| CliError::System("wait for a worker", error))
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for child in &mut self.children {
            // Fails for one that was waited for already: nothing is left to do then.
            child.kill().ok();
            child.wait().ok();
        }
    }
}

fn arguments(worker: &WorkerTally, url: &str) -> Vec<String> {
    let ends_after = if worker.ending == Ending::ByItself { ENDS_AFTER } else { WORKER_TIME_MAX };
    let time = |time: Duration| format!("{}ms", time.as_millis());
    let mut arguments: Vec<String> = ["demo-worker", "--gateway", url, "--job", JOB]
        .into_iter()
        .chain(["--instance", &worker.instance])
        .map(str::to_owned)
        .collect();
    arguments.extend(["--ends-after".to_owned(), time(ends_after)]);
    arguments.extend(["--interval".to_owned(), time(PUSH_INTERVAL)]);
    if worker.ending == Ending::Killed {
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
    // Nobody listens any more only when the demo is ending.
    events.send(Event::Closed { worker }).ok();
}
