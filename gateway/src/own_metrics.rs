//! The gateway's metrics about itself, and the names that it reserves.

use std::time::Duration;

use prompush_core::{
    Counter, EncodeError, Encoder, Family, Format, LabelNames, MetricType, PUSH_FAILURE_TIME,
    PUSH_TIME, Registry, RegistryError, Summary,
};
use prompush_process_metrics::ProcessMetrics;

const BUILD_INFO: &str = "pushgateway_build_info";
const PUSH_DURATION: &str = "pushgateway_http_push_duration_seconds";
const PUSH_SIZE: &str = "pushgateway_http_push_size_bytes";
const REQUESTS: &str = "pushgateway_http_requests_total";

/// The type of a metric family that the gateway itself exposes. `None` if the gateway has no family with that name.
///
/// A push may add series to such a family, but not with another type.
pub(crate) fn type_of(name: &str) -> Option<MetricType> {
    match name {
        BUILD_INFO => Some(MetricType::Gauge),
        PUSH_DURATION | PUSH_SIZE => Some(MetricType::Summary),
        REQUESTS => Some(MetricType::Counter),
        _ => ProcessMetrics::type_of(name),
    }
}

/// Whether a metric family is one of the two with the push times of each group.
pub(crate) fn is_push_time(name: &str) -> bool {
    push_time_help(name).is_some()
}

/// The help text of the two metric families with the push times of each group. `None` for any other name.
pub(crate) fn push_time_help(name: &str) -> Option<&'static str> {
    match name {
        PUSH_TIME => Some("Last Unix time when changing this group in the Pushgateway succeeded."),
        PUSH_FAILURE_TIME => {
            Some("Last Unix time when changing this group in the Pushgateway failed.")
        }
        _ => None,
    }
}

/// The gateway's metrics about itself.
#[derive(Debug)]
pub(crate) struct OwnMetrics {
    registry: Registry,
    requests: Family<LabelNames<3>, Counter>,
    push_duration: Family<LabelNames<1>, Summary>,
    push_size: Family<LabelNames<1>, Summary>,
}

impl OwnMetrics {
    pub(crate) fn new() -> Self {
        Self::register().expect("all names and labels are constant and valid, as a unit test shows")
    }

    fn register() -> Result<Self, RegistryError> {
        let registry = Registry::new();
        let build_info = [("implementation", "prompush"), ("version", env!("CARGO_PKG_VERSION"))];
        registry.info(BUILD_INFO, "Always 1. The labels describe the build.", build_info)?;
        let push_duration = registry.summary_family(
            PUSH_DURATION,
            "Time from the last byte of a push to its response, in seconds.",
            ["method"],
        )?;
        let push_size = registry.summary_family(
            PUSH_SIZE,
            "Size of the bodies of pushes as sent, in bytes.",
            ["method"],
        )?;
        let requests = registry.counter_family(
            REQUESTS,
            "Requests answered, except scrapes.",
            ["code", "handler", "method"],
        )?;
        Ok(Self { registry, requests, push_duration, push_size })
    }

    /// Counts a request that was answered with `status`.
    pub(crate) fn count_request(&self, handler: &str, method: &str, status: u16) {
        let mut buffer = itoa::Buffer::new();
        self.requests.with([buffer.format(status), handler, method_label(method)]).inc();
    }

    /// Records the duration of a push, and the size of its body as sent.
    pub(crate) fn observe_push(&self, method: &str, duration: Duration, body_bytes: usize) {
        let labels = [method_label(method)];
        self.push_duration.with(labels).observe(duration.as_secs_f64());
        #[expect(
            clippy::cast_precision_loss,
            reason = "a metric is an f64; bodies are far below 2^53"
        )]
        self.push_size.with(labels).observe(body_bytes as f64);
    }

    /// The text of all metric families, which [`Encoder::chunks`] gives one by one, sorted by name.
    ///
    /// # Errors
    ///
    /// The signature allows an error, but no two families have the same name.
    pub(crate) fn encode(&self) -> Result<Encoder, EncodeError> {
        let mut encoder = Encoder::new(Format::Text);
        encoder.encode(&(&self.registry, ProcessMetrics::new()))?;
        Ok(encoder)
    }
}

/// The value of the label `method`. All methods that the gateway does not serve share one value, so that clients
/// cannot create an unlimited number of series.
fn method_label(method: &str) -> &'static str {
    match method {
        "DELETE" => "delete",
        "GET" => "get",
        "OPTIONS" => "options",
        "POST" => "post",
        "PUT" => "put",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_own_family_has_its_reserved_type() {
        let metrics = OwnMetrics::new();
        metrics.count_request("push", "PUT", 200);
        metrics.observe_push("PUT", Duration::from_millis(500), 9);
        let encoder = metrics.encode().unwrap();
        let exposition = prompush_core::parse(encoder.as_bytes(), Format::Text).unwrap();
        assert!(exposition.families.len() >= 4);
        for family in &exposition.families {
            assert_eq!(type_of(&family.name), Some(family.metric_type), "{}", family.name);
        }
    }
}
