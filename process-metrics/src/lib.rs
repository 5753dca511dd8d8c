//! The `process_…` metrics of the running process, which all Prometheus client libraries have in common.
//!
//! [`ProcessMetrics`] is a source for an encoder: it reads the values whenever it is gathered. The crate is separate
//! because both the library `prompush` and the gateway expose these metrics, and `prompush-core` does no I/O.
#![forbid(unsafe_code)]

#[cfg(target_os = "linux")]
mod linux;
mod readings;

use prompush_core::{
    EncodeError, Encoder, Exposition, Labels, Metric, MetricFamily, MetricType, MetricValue, Source,
};

#[cfg(target_os = "linux")]
use crate::linux::read;
use crate::readings::Readings;

/// The value of one metric among all readings.
type Value = fn(&Readings) -> Option<f64>;

/// Each metric with its name, type, help text and value.
const FAMILIES: [(&str, MetricType, &str, Value); 6] = [
    (
        "process_cpu_seconds_total",
        MetricType::Counter,
        "CPU time of the process, user and system, in seconds.",
        |readings| readings.cpu_seconds,
    ),
    (
        "process_max_fds",
        MetricType::Gauge,
        "Number of files that the process may have open.",
        |readings| readings.max_fds,
    ),
    (
        "process_open_fds",
        MetricType::Gauge,
        "Number of files that the process has open.",
        |readings| readings.open_fds,
    ),
    (
        "process_resident_memory_bytes",
        MetricType::Gauge,
        "Memory of the process that is in RAM, in bytes.",
        |readings| readings.resident_memory_bytes,
    ),
    (
        "process_start_time_seconds",
        MetricType::Gauge,
        "Start of the process, in seconds since the Unix epoch.",
        |readings| readings.start_time_seconds,
    ),
    (
        "process_virtual_memory_bytes",
        MetricType::Gauge,
        "Memory that the process has mapped, in bytes.",
        |readings| readings.virtual_memory_bytes,
    ),
];

/// The metrics of the process that gathers them.
///
/// | metric | value |
/// |---|---|
/// | `process_cpu_seconds_total` | CPU time, user and system, in seconds |
/// | `process_resident_memory_bytes` | memory in RAM |
/// | `process_virtual_memory_bytes` | memory mapped |
/// | `process_open_fds` | number of open files |
/// | `process_max_fds` | number of files that may be open; `+Inf` if there is no limit |
/// | `process_start_time_seconds` | start of the process, since the Unix epoch |
///
/// The values are read from `/proc`. A value that cannot be read is left out. On systems other than Linux the source
/// is empty.
///
/// ```
/// use prompush_core::{Encoder, Format, Registry};
/// use prompush_process_metrics::ProcessMetrics;
///
/// let registry = Registry::new();
/// registry.counter("rows_total", "Rows.")?.inc();
/// let mut encoder = Encoder::new(Format::Text);
/// encoder.encode(&(registry, ProcessMetrics::new()))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: Prometheus, "Writing client libraries", "Process metrics".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProcessMetrics(());

impl ProcessMetrics {
    /// The metrics of the process that gathers them.
    pub fn new() -> Self {
        Self(())
    }

    /// The type of the metric family with that name. `None` if it is not one of the process metrics.
    pub fn type_of(name: &str) -> Option<MetricType> {
        FAMILIES
            .into_iter()
            .find_map(|(family, metric_type, _, _)| (family == name).then_some(metric_type))
    }
}

impl Source for ProcessMetrics {
    fn gather(&self, encoder: &mut Encoder) -> Result<(), EncodeError> {
        let readings = read();
        let families = FAMILIES.into_iter().filter_map(|(name, metric_type, help, value)| {
            let value = MetricValue::Number(value(&readings)?);
            let metric = Metric { labels: Labels::default(), value, timestamp_ms: None, line: 0 };
            let (name, help) = (name.into(), Some(help.into()));
            Some(MetricFamily { name, help, metric_type, metrics: vec![metric] })
        });
        Exposition { families: families.collect() }.gather(encoder)
    }
}

/// Systems without `/proc` have no readings.
#[cfg(not(target_os = "linux"))]
fn read() -> Readings {
    Readings::default()
}
