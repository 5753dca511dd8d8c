//! The types of metrics.

use std::fmt;

/// The types that text 0.0.4 knows.
/// OpenMetrics has more: an info and a stateset are gauges here, `unknown` is untyped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MetricType {
    /// A value that only goes up.
    Counter,
    /// A value that goes up and down.
    Gauge,
    /// Observations counted in buckets.
    Histogram,
    /// Observations with quantiles.
    Summary,
    /// A value of unknown meaning.
    Untyped,
}

impl MetricType {
    /// The word in a `# TYPE` line of text 0.0.4.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Summary => "summary",
            Self::Untyped => "untyped",
        }
    }
}

impl fmt::Display for MetricType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a family is where its format names types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FamilyType {
    /// A type that all formats know.
    Plain(MetricType),
    /// An info: a gauge in text 0.0.4 and in protobuf.
    Info,
}
