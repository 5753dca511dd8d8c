//! What the command exports by OTLP, received on a port of its own, and what gptme up to 0.28 serves instead; pushed
//! with the job's metrics.

mod served;
mod variables;

use std::sync::Arc;
use std::time::Duration;

use prompush::{EncodeError, Encoder, Format, Source};
use prompush_gptme::default_rules;
use prompush_otlp::Rules;
use prompush_otlp::receiver::{
    InstanceMode, InstanceSnapshot, OtlpReceiver, ReceiverConfig, ReceiverError,
};

use crate::run::signals::Signals;
use served::Served;
pub(crate) use variables::{Kind, Settings};

/// Where to listen: on this machine only, on any free port.
const LISTEN: &str = "127.0.0.1:0";

/// A receiver for one command.
#[derive(Debug)]
pub(crate) struct Telemetry {
    receiver: OtlpReceiver,
    served: Option<Served>,
    rules: Arc<Rules>,
    settings: Settings,
}

impl Telemetry {
    /// Listens from now on. Labels of the group are kept free of attributes of the same names.
    ///
    /// # Errors
    /// If there is no port to be had.
    pub(crate) fn start<'a>(
        settings: Settings,
        group_labels: impl Iterator<Item = &'a str>,
    ) -> Result<Self, ReceiverError> {
        let rules = Arc::new(group_labels.fold(default_rules(), Rules::reserve_label));
        let mut config = ReceiverConfig::default().instance_mode(InstanceMode::Single);
        config.rules = Arc::clone(&rules);
        config.traces_to.clone_from(&settings.traces_to);
        let receiver = OtlpReceiver::bind(LISTEN, config)?;
        Ok(Self { receiver, served: None, rules, settings })
    }

    /// Reads what the command, which has that process ID, serves, if it is one that may.
    pub(crate) fn read_what_is_served(&mut self, process_id: u32) {
        let served = |place| Served::start(place, process_id, Arc::clone(&self.rules)).ok();
        self.served = self.settings.place.take().and_then(served);
    }

    /// What the command's environment needs for its metrics to come here.
    pub(crate) fn variables(&self) -> Vec<(&'static str, String)> {
        self.settings.variables(&self.receiver.endpoint(), |name| std::env::var_os(name))
    }

    /// What becomes of traces, in words.
    pub(crate) fn traces(&self) -> String {
        match &self.settings.traces_to {
            Some(url) => format!("its traces to {}", url.to_redacted()),
            None => "its traces nowhere".to_owned(),
        }
    }

    /// The time between two pushes.
    pub(crate) fn interval(&self) -> Duration {
        self.settings.interval
    }

    /// What has come so far, and what was read last if it goes with it; nothing before the first of either.
    pub(crate) fn instances(&self) -> Vec<InstanceSnapshot> {
        let mut instances = self.receiver.instances();
        if let Some(served) = self.served.as_ref().and_then(Served::last) {
            instances.push(served);
            // Where both have a metric of one name, what is exported counts.
            if instances.len() > 1 && Encoder::new(Format::Text).encode(&instances).is_err() {
                instances.pop();
            }
        }
        instances
    }

    /// Takes what is still on its way, for `within` at most, and ends; traces are still forwarded.
    pub(crate) fn end(self, within: Duration) -> Collected {
        self.receiver.stop_receiving(within);
        Collected { instances: self.instances(), receiver: self.receiver }
    }
}

/// What a command has exported, and how much of it was dropped.
#[derive(Debug)]
pub(crate) struct Collected {
    instances: Vec<InstanceSnapshot>,
    receiver: OtlpReceiver,
}

impl Collected {
    /// Ends forwarding traces: within `within`, at once when a signal says to end, and sooner if their target fails.
    pub(crate) fn end_traces(self, within: Duration, signals: &Signals) {
        self.receiver.stop_forwarding(within, &|| signals.is_told_to_end());
    }
}

impl Source for Collected {
    fn gather(&self, encoder: &mut Encoder) -> Result<(), EncodeError> {
        self.instances.gather(encoder)?;
        self.receiver.metrics().gather(encoder)
    }
}
