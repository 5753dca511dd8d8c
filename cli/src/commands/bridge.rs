//! `prompush bridge`: receives what gptme sends, and pushes it, until it is told to stop.

use std::sync::Arc;
use std::time::Duration;
use std::{iter, process};

use crossbeam_channel::{Receiver as Channel, bounded};
use prompush_gptme::receiver::{Receiver, Scraper};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::args::BridgeArgs;
use crate::bridge::options::Options;
use crate::bridge::publisher::Publisher;
use crate::error::CliError;
use crate::output::logger;
use crate::output::terminal::print_message;
use crate::process_status;
use crate::signals;
use crate::signals::SignalThread;

/// Longest time between two looks at signals, scraped programs and pushes that are due.
const TICK: Duration = Duration::from_millis(250);

/// Open files that a bridge may need: 4,096 connections, and what it has itself.
const OPEN_FILES: u64 = 4096 + 256;

/// The part of the time for ending that the receiver gets; the rest is for the last push.
const RECEIVER_SHARE: u32 = 3;

pub(crate) fn run(args: BridgeArgs) -> Result<(), CliError> {
    logger::init(crate::args::LogLevel::Info);
    let deadline = args.deadline;
    let options = Options::resolve(args)?;
    allow_connections();
    // From here on a signal ends it with a last push. `nohup` means that it outlives its terminal.
    let mut ending = vec![SIGINT, SIGTERM, SIGHUP];
    ending.retain(|signal| !process_status::is_signal_ignored(process::id(), *signal));
    let (told, signalled) = bounded(1);
    let signals = SignalThread::start(&ending, {
        let mut is_second = false;
        move |signal| {
            if std::mem::replace(&mut is_second, true) {
                signals::die_by(signal);
            }
            told.try_send(signal).ok(); // the first one is enough
        }
    })?;
    let mut bridge = Bridge::start(&options)?;
    options.warn_of_ports(bridge.receiver.address().port());
    print_message(&bridge.introduction(&options));
    bridge.scrape(&options)?;
    bridge.serve(&signalled, deadline)?;
    drop(signals);
    print_message("stopped");
    Ok(())
}

/// Raises the limit of open files towards what the system allows: each gptme has two connections, and one that is
/// not taken waits at its exit.
fn allow_connections() {
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.map_or(OPEN_FILES, |maximum| maximum.min(OPEN_FILES));
    if limit.current.is_some_and(|current| current < wanted) {
        let raised = Rlimit { current: Some(wanted), ..limit };
        if let Err(error) = setrlimit(Resource::Nofile, raised) {
            log::warn!("cannot allow more open files: {error}");
        }
    }
}

/// What runs.
struct Bridge {
    receiver: Receiver,
    scrapers: Vec<Scraper>,
    publisher: Publisher,
}

impl Bridge {
    fn start(options: &Options) -> Result<Self, CliError> {
        let config = options.receiver_config();
        let receiver = Receiver::bind(&options.listen, config).map_err(CliError::Receiver)?;
        options.check_traces_to(receiver.address())?;
        let publisher = Publisher::start(options, receiver.address().port())?;
        Ok(Self { receiver, scrapers: Vec::new(), publisher })
    }

    /// Begins to read what is to be read; after the introduction, as it may have something to say at once.
    fn scrape(&mut self, options: &Options) -> Result<(), CliError> {
        for url in &options.scrape {
            let (interval, rules) = (options.scrape_interval, Arc::clone(&options.rules));
            let scraper = Scraper::start(url.clone(), interval, rules);
            self.scrapers.push(scraper.map_err(CliError::Receiver)?);
        }
        Ok(())
    }

    fn introduction(&self, options: &Options) -> String {
        let gateways: Vec<String> =
            options.gateways.iter().map(|url| format!("`{}`", url.to_redacted())).collect();
        let gateways = gateways.join(" and ");
        let job = &options.job;
        format!(
            "listening for OTLP on {}, pushing to {gateways} as job `{job}`",
            self.receiver.endpoint()
        )
    }

    /// Until a signal comes.
    fn serve(mut self, signalled: &Channel<i32>, deadline: Duration) -> Result<(), CliError> {
        loop {
            self.receiver.wait(TICK);
            self.note_instances();
            self.publisher.push_due(self.receiver.metrics());
            if signalled.try_recv().is_ok() {
                return self.end(deadline);
            }
        }
    }

    fn note_instances(&mut self) {
        let scraped = self.scrapers.iter().map(Scraper::instances);
        let seen = iter::once(self.receiver.instances()).chain(scraped);
        for (seen_by, snapshots) in seen.enumerate() {
            for snapshot in snapshots {
                self.publisher.note(seen_by, snapshot);
            }
        }
    }

    fn end(mut self, deadline: Duration) -> Result<(), CliError> {
        let receiver_deadline = deadline / RECEIVER_SHARE;
        self.receiver.stop(receiver_deadline);
        self.note_instances();
        self.publisher.end(self.receiver.metrics(), deadline.saturating_sub(receiver_deadline))
    }
}
