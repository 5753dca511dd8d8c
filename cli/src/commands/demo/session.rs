//! The demo while it runs: starts the workers, follows them, and sums up.

use std::process;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use prompush::{Gateway, GatewayConfig};
use prompush_core::clock::{Clock as _, SystemClock};

use crate::args::DemoArgs;
use crate::commands::demo::results::{PlannedEnd, Results, WorkerResult, arrived};
use crate::commands::demo::schedule::{DEMO_TIME_MAX, EXPIRY_TIME_MAX, JOB, READ_INTERVAL};
use crate::commands::demo::screen::Screen;
use crate::commands::demo::worker_processes::{Event, WorkerProcesses};
use crate::error::CliError;
use crate::local_gateway::LocalGateway;
use crate::signals::{self, SignalThread};

pub(crate) fn run(args: &DemoArgs) -> Result<(), CliError> {
    let (sender, events) = channel();
    // Signals are caught first, so that Ctrl-C cleans up at any time.
    let signals = {
        let sender = sender.clone();
        SignalThread::start(&signals::ENDING, move |signal| {
            sender.send(Event::Signal(signal)).ok(); // the receiver is dropped when the demo is over
        })?
    };
    let config = GatewayConfig::default().total_timeout(Duration::from_secs(3));
    let own = if args.url.is_none() { Some(LocalGateway::start()?) } else { None };
    let url = match (&own, &args.url) {
        (Some(own), _) => own.url(),
        (None, url) => url.clone().unwrap_or_default(),
    };
    let is_own = own.is_some();
    let config = config.proxy_from_environment(!is_own);
    let gateway = Gateway::with_config(&url, config).map_err(CliError::Gateway)?;
    gateway.ready()?;
    let mut session = Session {
        results: Results { workers: workers(is_own), expires: is_own },
        screen: Screen::new(),
        gateway,
        start: SystemClock.now(),
    };
    session.screen.line(&if is_own {
        format!("started a gateway for this demo at {url}")
    } else {
        format!("pushing to the gateway at {}", session.gateway.url())
    });
    let done = WorkerProcesses::start(&session.results, &url, is_own, &sender, &mut session.screen)
        .and_then(|mut workers| session.follow(&mut workers, &events));
    // From here on every worker process has ended, so no push follows.
    let cleaned = if is_own { Ok(()) } else { session.delete_groups() };
    drop((own, signals));
    done?;
    cleaned?;
    session.verdict()
}

fn workers(is_own: bool) -> Vec<WorkerResult> {
    // Other people may use the gateway, too: the process ID keeps the demo away from their groups.
    let suffix = if is_own { String::new() } else { format!("-{}", process::id()) };
    [PlannedEnd::ByItself, PlannedEnd::Terminated, PlannedEnd::Killed]
        .into_iter()
        .zip(1..)
        .map(|(end, number)| WorkerResult::new(format!("worker-{number}{suffix}"), end))
        .collect()
}

/// The demo while it runs.
struct Session {
    results: Results,
    screen: Screen,
    gateway: Gateway,
    start: Instant,
}

impl Session {
    /// Follows the workers until all have ended and the group of the killed one has expired, or will not expire.
    fn follow(
        &mut self,
        workers: &mut WorkerProcesses,
        events: &Receiver<Event>,
    ) -> Result<(), CliError> {
        let mut last_read = Duration::ZERO;
        let mut all_ended_at = None;
        loop {
            let elapsed = self.elapsed();
            workers.send_due_signals(elapsed, &mut self.results, &mut self.screen)?;
            match events.recv_timeout(READ_INTERVAL / 4) {
                Ok(Event::Signal(signal)) => return Err(CliError::Interrupted { signal }),
                Ok(Event::Recorded { worker, total }) => {
                    self.results.workers[worker].recorded = total;
                }
                Ok(Event::Closed { worker }) => {
                    let status = workers.wait(worker)?;
                    self.results.workers[worker].ended(status);
                    self.read_gateway()?;
                    self.screen.line(&self.results.workers[worker].ended_line());
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
            if elapsed.saturating_sub(last_read) >= READ_INTERVAL {
                last_read = elapsed;
                self.read_gateway()?;
                self.screen.table(elapsed, &self.results);
            }
            if self.results.all_ended() {
                let since = elapsed.saturating_sub(*all_ended_at.get_or_insert(elapsed));
                if self.results.all_expired() || since > EXPIRY_TIME_MAX {
                    return self.end();
                }
            }
            if elapsed > DEMO_TIME_MAX {
                let message = format!("the workers did not end within {DEMO_TIME_MAX:?}");
                return Err(CliError::Demo(message));
            }
        }
    }

    /// Reads back the counters that the gateway holds.
    fn read_gateway(&mut self) -> Result<(), CliError> {
        let exposition = self.gateway.scrape()?;
        for worker in &mut self.results.workers {
            if worker.update(arrived(&exposition, JOB, &worker.instance)) {
                self.screen.line(&worker.expired_line());
            }
        }
        Ok(())
    }

    /// The time since the start.
    fn elapsed(&self) -> Duration {
        SystemClock.now().saturating_duration_since(self.start)
    }

    fn end(&mut self) -> Result<(), CliError> {
        self.read_gateway()?;
        self.screen.table(self.elapsed(), &self.results);
        self.screen.keep_table();
        Ok(())
    }

    /// Removes the groups of the demo from a gateway that was running before.
    fn delete_groups(&mut self) -> Result<(), CliError> {
        let mut deleted = 0;
        for group in self.gateway.groups()? {
            let label = |name: &str| group.labels.get(name).map(String::as_str);
            let is_of_the_demo = label("job") == Some(JOB)
                && self
                    .results
                    .workers
                    .iter()
                    .any(|worker| label("instance") == Some(&worker.instance));
            if is_of_the_demo {
                self.gateway.delete_group(&group)?;
                deleted += 1;
            }
        }
        let groups = crate::plural::count(deleted, "group", "groups");
        self.screen.line(&format!("deleted the demo's {groups} from the gateway"));
        Ok(())
    }

    fn verdict(&mut self) -> Result<(), CliError> {
        self.screen.line(&self.results.summary());
        let shown = self.screen.finish();
        // A failed demo must exit with 1 even if the reader of stdout has gone.
        match self.results.failure() {
            None => shown,
            Some(failure) => Err(CliError::Demo(failure)),
        }
    }
}
