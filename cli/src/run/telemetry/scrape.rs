//! Scrapes the metrics that gptme up to 0.28 serves on a port while it runs.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use prompush::HttpUrl;
use prompush_otlp::Rules;
use prompush_otlp::receiver::{InstanceSnapshot, ReceiverError, Scraper, ScraperConfig};

use crate::run::telemetry::prometheus_address::PrometheusAddress;

/// Time between two scrapes. gptme's counts after the last scrape are lost, so the time is short. A newer gptme does
/// not serve, and a scrape of a closed port costs almost nothing.
const INTERVAL: Duration = Duration::from_millis(500);

/// The server of one gptme, scraped at intervals.
#[derive(Debug)]
pub(crate) struct ScrapedServer {
    scraper: Scraper,
    /// The last scrape. The scraper returns the state of a server that has ended only once, so it is stored here.
    last: Mutex<Option<InstanceSnapshot>>,
    /// Keeps the port reserved.
    _address: PrometheusAddress,
}

impl ScrapedServer {
    /// Starts to scrape `address`, if a process listens there that is `process_id` or a descendant of it.
    ///
    /// # Errors
    /// [`ReceiverError`] if no thread can be started.
    pub(crate) fn start(
        address: PrometheusAddress,
        process_id: u32,
        rules: Arc<Rules>,
    ) -> Result<Self, ReceiverError> {
        let url = HttpUrl::parse(&format!("http://{}/metrics", address.authority));
        let url = url.map_err(ReceiverError::Config)?;
        // On a reserved port, no other program can listen.
        let only_of = (!address.is_reserved()).then_some(process_id);
        let config = ScraperConfig::new(url).interval(INTERVAL).rules(rules).process_id(only_of);
        let scraper = Scraper::start(config)?;
        Ok(Self { scraper, last: Mutex::default(), _address: address })
    }

    /// The metrics of the last scrape. `None` before the first one.
    pub(crate) fn last(&self) -> Option<InstanceSnapshot> {
        let mut last = self.last.lock();
        if let Some(newer) = self.scraper.instances().pop() {
            *last = Some(newer);
        }
        last.clone()
    }
}
