//! The metrics that the command exports with OTLP, or serves as gptme up to 0.28 does.

mod collector;
mod prometheus_address;
mod scrape;
mod settings;

pub(crate) use collector::{CollectedTelemetry, TelemetryCollector};
pub(crate) use settings::{CommandKind, TelemetrySettings};
