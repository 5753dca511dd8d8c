//! The types of metrics.

use std::fmt;

/// The type of a metric family, as in text 0.0.4.
///
/// OpenMetrics has more types. The parser turns infos and statesets into gauges, a gauge histogram into
/// gauges, and `unknown` into untyped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MetricType {
    /// A value that only goes up.
    Counter,
    /// A value that goes up and down.
    Gauge,
    /// Observations counted in buckets.
    Histogram,
    /// The sum and the number of observations, and quantiles of them.
    Summary,
    /// A value that may be a counter or a gauge.
    Untyped,
}

impl MetricType {
    /// The type's name in a `# TYPE` line of text 0.0.4.
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

/// The type of a registered family, which each format spells in its own way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FamilyType {
    /// A type that all formats have.
    Plain(MetricType),
    /// An info, which is a gauge in text 0.0.4 and in protobuf.
    Info,
}
