//! The bridge while it runs: collects the states of instances and gives them to the publisher.

use std::iter;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::Receiver;
use prompush::PushError;
use prompush_gptme::SCRAPE_PATHS;
use prompush_otlp::receiver::{OtlpReceiver, Scraper, ScraperConfig};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::bridge::options::BridgeOptions;
use crate::bridge::publisher::Publisher;
use crate::error::CliError;
use crate::output::terminal::print_warning;

/// Longest time between two checks for signals, scraped programs and pushes that are due.
const CHECK_INTERVAL: Duration = Duration::from_millis(250);
/// Open files that a bridge may need: 4,096 connections, and 256 files of its own.
const OPEN_FILES: u64 = 4096 + 256;
/// At the end, the receiver gets this part (a third) of the deadline. The last push gets the rest.
const RECEIVER_SHARE: u32 = 3;

/// A bridge that listens.
#[derive(Debug)]
pub(crate) struct Bridge {
    receiver: OtlpReceiver,
    scrapers: Vec<Scraper>,
    publisher: Publisher,
}

impl Bridge {
    /// Listens, and starts the thread that pushes.
    ///
    /// # Errors
    /// [`CliError`] if the address cannot be listened on, or if the traces would be forwarded to this bridge itself.
    pub(crate) fn start(options: &BridgeOptions) -> Result<Self, CliError> {
        raise_open_files_limit();
        let config = options.receiver_config();
        let receiver = OtlpReceiver::bind(&options.listen, config).map_err(CliError::Receiver)?;
        options.check_traces_to(receiver.address())?;
        let publisher = Publisher::new(options.publisher_config(receiver.address().port())?);
        Ok(Self { receiver, scrapers: Vec::new(), publisher })
    }

    /// The port that the bridge listens on.
    pub(crate) fn port(&self) -> u16 {
        self.receiver.address().port()
    }

    /// The first line of the output: where the bridge listens, and where it pushes to.
    pub(crate) fn introduction(&self, options: &BridgeOptions) -> String {
        let gateways: Vec<String> =
            options.gateways.iter().map(|url| format!("`{}`", url.to_redacted())).collect();
        let (endpoint, gateways) = (self.receiver.endpoint(), gateways.join(" and "));
        let job = &options.job;
        format!("listening for OTLP on {endpoint}, pushing to {gateways} as job `{job}`")
    }

    /// Starts a scraper for each `--scrape`.
    ///
    /// # Errors
    /// [`CliError::Receiver`] if no thread can be started.
    pub(crate) fn start_scraping(&mut self, options: &BridgeOptions) -> Result<(), CliError> {
        for url in &options.scrape {
            let config = ScraperConfig::new(url.clone())
                .usual_paths(SCRAPE_PATHS)
                .interval(options.scrape_interval)
                .rules(Arc::clone(&options.rules));
            let scraper = Scraper::start(config);
            self.scrapers.push(scraper.map_err(CliError::Receiver)?);
        }
        Ok(())
    }

    /// Serves until `ended` receives a signal. Then makes the last push, within `deadline`.
    ///
    /// # Errors
    /// [`CliError::Push`] if the last push failed and its metrics are not in the spool.
    pub(crate) fn serve(
        mut self,
        ended: &Receiver<i32>,
        deadline: Duration,
    ) -> Result<(), CliError> {
        while ended.try_recv().is_err() {
            self.receiver.wait(CHECK_INTERVAL);
            self.update_instances();
            self.publisher.push_due(self.receiver.metrics());
        }
        let receiver_deadline = deadline / RECEIVER_SHARE;
        self.receiver.stop(receiver_deadline);
        self.update_instances();
        let push_deadline = deadline.saturating_sub(receiver_deadline);
        match self.publisher.finish(self.receiver.metrics(), push_deadline) {
            // No metric is lost: the next bridge with this spool pushes it.
            Err(error) if is_in_spool(&error) => {
                print_warning(&error.to_string());
                Ok(())
            }
            finished => finished.map_err(CliError::Push),
        }
    }

    /// Gives the current state of every instance to the publisher.
    fn update_instances(&mut self) {
        let scraped = self.scrapers.iter().map(Scraper::instances);
        let sources = iter::once(self.receiver.instances()).chain(scraped);
        for (source, snapshots) in sources.enumerate() {
            for snapshot in snapshots {
                self.publisher.update(source, snapshot);
            }
        }
    }
}

/// Raises the limit to open files, as far as the system allows. Each gptme has two connections, and a gptme whose
/// connection is not accepted would wait at its exit.
fn raise_open_files_limit() {
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.map_or(OPEN_FILES, |maximum| maximum.min(OPEN_FILES));
    if limit.current.is_some_and(|current| current < wanted) {
        let raised = Rlimit { current: Some(wanted), ..limit };
        if let Err(error) = setrlimit(Resource::Nofile, raised) {
            log::warn!("cannot raise the limit to open files: {error}");
        }
    }
}

/// Whether the spool holds everything that was not pushed.
fn is_in_spool(error: &PushError) -> bool {
    iter::once(error).chain(error.others()).all(|error| error.spooled_in().is_some())
}
