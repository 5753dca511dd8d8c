//! Collects the metrics of the command: receives those that it exports with OTLP, and scrapes those that gptme up to
//! 0.28 serves instead.

use std::sync::Arc;
use std::time::Duration;

use prompush::{EncodeError, Encoder, Format, Source};
use prompush_gptme::default_rules;
use prompush_otlp::Rules;
use prompush_otlp::receiver::{
    InstanceMode, InstanceSnapshot, OtlpReceiver, ReceiverConfig, ReceiverError,
};

use crate::run::supervise::Interruption;
use crate::run::telemetry::scrape::ScrapedServer;
use crate::run::telemetry::settings::TelemetrySettings;

/// The address to listen on: this machine only, any free port.
const LISTEN: &str = "127.0.0.1:0";

/// Collects the metrics of one command.
#[derive(Debug)]
pub(crate) struct TelemetryCollector {
    receiver: OtlpReceiver,
    /// The server of gptme up to 0.28, if the command may be one.
    scraped: Option<ScrapedServer>,
    rules: Arc<Rules>,
    settings: TelemetrySettings,
}

impl TelemetryCollector {
    /// Starts to listen for OTLP. An attribute that has the name of a label of the group becomes no label.
    ///
    /// # Errors
    /// [`ReceiverError`] if no port can be bound.
    pub(crate) fn start<'a>(
        settings: TelemetrySettings,
        group_labels: impl Iterator<Item = &'a str>,
    ) -> Result<Self, ReceiverError> {
        let rules = Arc::new(group_labels.fold(default_rules(), Rules::reserve_label));
        let mut config = ReceiverConfig::default().instance_mode(InstanceMode::Single);
        config.rules = Arc::clone(&rules);
        config.traces_to.clone_from(&settings.traces_to);
        let receiver = OtlpReceiver::bind(LISTEN, config)?;
        Ok(Self { receiver, scraped: None, rules, settings })
    }

    /// Starts to scrape the command, if it may be a gptme that serves its metrics.
    pub(crate) fn start_scraping(&mut self, process_id: u32) {
        let scrape =
            |address| ScrapedServer::start(address, process_id, Arc::clone(&self.rules)).ok();
        self.scraped = self.settings.prometheus_address.take().and_then(scrape);
    }

    /// The environment variables that make the command send its metrics here.
    pub(crate) fn variables(&self) -> Vec<(&'static str, String)> {
        self.settings.variables(&self.receiver.endpoint(), |name| std::env::var_os(name))
    }

    /// Where the traces of the command go, as a part of a message.
    pub(crate) fn traces_text(&self) -> String {
        match &self.settings.traces_to {
            Some(url) => format!("its traces to {}", url.to_redacted()),
            None => "its traces nowhere".to_owned(),
        }
    }

    /// The time between two pushes.
    pub(crate) fn interval(&self) -> Duration {
        self.settings.interval
    }

    /// The metrics that the command has exported so far, and those of the last scrape. Empty before the first of them.
    pub(crate) fn instances(&self) -> Vec<InstanceSnapshot> {
        let mut instances = self.receiver.instances();
        if let Some(scraped) = self.scraped.as_ref().and_then(ScrapedServer::last) {
            instances.push(scraped);
            // If both have a metric of the same name, only the exported metrics are used.
            if instances.len() > 1 && Encoder::new(Format::Text).encode(&instances).is_err() {
                instances.pop();
            }
        }
        instances
    }

    /// Receives exports that are still on their way, at most for `timeout`, and stops listening. Traces that were
    /// received are still forwarded.
    pub(crate) fn finish(self, timeout: Duration) -> CollectedTelemetry {
        self.receiver.stop_receiving(timeout);
        CollectedTelemetry { instances: self.instances(), receiver: self.receiver }
    }
}

/// The metrics that a command has exported, and the counters of the receiver.
#[derive(Debug)]
pub(crate) struct CollectedTelemetry {
    instances: Vec<InstanceSnapshot>,
    receiver: OtlpReceiver,
}

impl CollectedTelemetry {
    /// Forwards the traces that are left: at most for `timeout`, until an interruption, and until their endpoint fails.
    pub(crate) fn finish_traces(self, timeout: Duration, interruption: Interruption<'_>) {
        self.receiver.stop_forwarding(timeout, &|| interruption.is_requested());
    }
}

impl Source for CollectedTelemetry {
    fn gather(&self, encoder: &mut Encoder) -> Result<(), EncodeError> {
        self.instances.gather(encoder)?;
        self.receiver.metrics().gather(encoder)
    }
}
