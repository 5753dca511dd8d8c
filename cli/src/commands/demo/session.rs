//! `prompush demo`: programs that push, before your eyes.
//!
//! Each worker is a process of its own, this same binary, which records and pushes with the library
//! and reports over a pipe what it has recorded. What arrived is read back from the gateway as
//! Prometheus reads it. So what was lost is known, and not only what went well.

mod fleet;
mod screen;
mod tally;
pub(crate) mod worker;

use std::process;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use prompush::{Gateway, GatewayConfig};

use crate::args::DemoArgs;
use crate::commands::demo::fleet::{Event, Fleet};
use crate::commands::demo::screen::Screen;
use crate::commands::demo::tally::{Ending, Tally, WorkerTally, arrived};
use crate::error::CliError;
use crate::local_gateway::LocalGateway;
use crate::signals::{self, SignalThread};

/// The job of all workers.
const JOB: &str = "demo";
/// Time between two pushes of a worker.
const PUSH_INTERVAL: Duration = Duration::from_secs(1);
/// How long the group of the worker that is killed is good for after its last push.
const TTL: Duration = Duration::from_secs(3);
/// When the first worker ends by itself.
const ENDS_AFTER: Duration = Duration::from_secs(3);
/// When the second worker gets its SIGTERM.
const TERMINATED_AFTER: Duration = Duration::from_secs(4);
/// When the third worker gets its SIGKILL.
const KILLED_AFTER: Duration = Duration::from_millis(5300);
/// When a worker ends that nobody ended: longer than the demo takes.
const WORKER_TIME_MAX: Duration = Duration::from_secs(30);
/// How long to wait for the killed worker's group to expire, after its end.
const EXPIRY_TIME_MAX: Duration = Duration::from_secs(6);
/// Longest time for all; then something is wrong.
const DEMO_TIME_MAX: Duration = Duration::from_secs(20);
/// Time between two looks at the gateway.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);

pub(crate) fn run(args: &DemoArgs) -> Result<(), CliError> {
    let (sender, events) = channel();
    // First of all, so that Ctrl-C at any time cleans up.
    let signals = {
        let sender = sender.clone();
        SignalThread::start(&signals::ENDING, move |signal| {
            sender.send(Event::Signal(signal)).ok(); // nobody listens once the demo is over
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
    let mut show = Show {
        tally: Tally { workers: workers(is_own), expires: is_own },
        screen: Screen::new(),
        gateway,
        start: now(),
    };
    show.screen.line(&if is_own {
        format!("a gateway of our own listens on {url}")
    } else {
        format!("pushing to the gateway at {}", show.gateway.url())
    });
    let done = Fleet::start(&show.tally, &url, is_own, &sender, &mut show.screen)
        .and_then(|mut fleet| show.play(&mut fleet, &events));
    // From here on every process has ended, and nobody pushes any more.
    let cleaned = if is_own { Ok(()) } else { show.delete_groups() };
    drop((own, signals));
    done?;
    cleaned?;
    show.verdict()
}

fn workers(is_own: bool) -> Vec<WorkerTally> {
    // On a gateway that others use, too, nobody else's group is to be touched.
    let suffix = if is_own { String::new() } else { format!("-{}", process::id()) };
    [Ending::ByItself, Ending::Terminated, Ending::Killed]
        .into_iter()
        .zip(1..)
        .map(|(ending, number)| WorkerTally::new(format!("worker-{number}{suffix}"), ending))
        .collect()
}

/// The demo while it runs.
struct Show {
    tally: Tally,
    screen: Screen,
    gateway: Gateway,
    start: Instant,
}

impl Show {
    /// Plays until every worker has ended and the killed one's group has expired, or will not.
    fn play(&mut self, fleet: &mut Fleet, events: &Receiver<Event>) -> Result<(), CliError> {
        let mut last_look = Duration::ZERO;
        let mut all_ended_at = None;
        loop {
            let elapsed = self.start.elapsed();
            fleet.act(elapsed, &mut self.tally, &mut self.screen)?;
            match events.recv_timeout(LOOK_INTERVAL / 4) {
                Ok(Event::Signal(signal)) => return Err(CliError::Interrupted { signal }),
                Ok(Event::Recorded { worker, total }) => {
                    self.tally.workers[worker].recorded = total;
                }
                Ok(Event::Closed { worker }) => {
                    let status = fleet.wait(worker)?;
                    self.tally.workers[worker].ended(status);
                    self.look()?;
                    self.screen.line(&self.tally.workers[worker].ended_line());
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
            if elapsed.saturating_sub(last_look) >= LOOK_INTERVAL {
                last_look = elapsed;
                self.look()?;
                self.screen.table(elapsed, &self.tally);
            }
            if self.tally.all_ended() {
                let since = elapsed.saturating_sub(*all_ended_at.get_or_insert(elapsed));
                if self.tally.all_expired() || since > EXPIRY_TIME_MAX {
                    return self.end();
                }
            }
            if elapsed > DEMO_TIME_MAX {
                let words = format!("the workers did not end within {DEMO_TIME_MAX:?}");
                return Err(CliError::Demo(words));
            }
        }
    }

    /// Reads back what the gateway holds.
    fn look(&mut self) -> Result<(), CliError> {
        let exposition = self.gateway.scrape()?;
        for worker in &mut self.tally.workers {
            if worker.saw(arrived(&exposition, JOB, &worker.instance)) {
                self.screen.line(&worker.expired_line());
            }
        }
        Ok(())
    }

    fn end(&mut self) -> Result<(), CliError> {
        self.look()?;
        self.screen.table(self.start.elapsed(), &self.tally);
        self.screen.settle();
        Ok(())
    }

    /// Leaves a gateway that is not ours as it was.
    fn delete_groups(&mut self) -> Result<(), CliError> {
        let mut deleted = 0;
        for group in self.gateway.groups()? {
            let label = |name: &str| group.labels.get(name).map(String::as_str);
            let is_ours = label("job") == Some(JOB)
                && self
                    .tally
                    .workers
                    .iter()
                    .any(|worker| label("instance") == Some(&worker.instance));
            if is_ours {
                self.gateway.delete_group(&group)?;
                deleted += 1;
            }
        }
        let groups = crate::output::plural::count(deleted, "group", "groups");
        self.screen.line(&format!("deleted the demo's {groups} from the gateway"));
        Ok(())
    }

    fn verdict(&mut self) -> Result<(), CliError> {
        self.screen.line(&self.tally.sentence());
        let shown = self.screen.finish();
        // A fault is one also where nobody reads to the end.
        match self.tally.fault() {
            None => shown,
            Some(fault) => Err(CliError::Demo(fault)),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the demo plays in real time, before a person")]
fn now() -> Instant {
    Instant::now()
}
