//! A metric and its data points.

use crate::decode::attribute::Attribute;

/// A metric, without its points.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OtlpMetric<'a> {
    /// The encoded resource, which tells metrics of different resources apart.
    pub(crate) resource: &'a [u8],
    /// The encoded instrumentation scope, which tells metrics of different scopes apart.
    pub(crate) scope: &'a [u8],
    pub(crate) name: &'a str,
    pub(crate) description: &'a str,
    /// In UCUM, such as `s` or `By`.
    pub(crate) unit: &'a str,
    pub(crate) kind: PointKind,
    pub(crate) temporality: Temporality,
}

/// The kinds of points that OTLP has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum PointKind {
    Gauge,
    /// With `monotonic`, it only grows.
    Sum {
        monotonic: bool,
    },
    Histogram,
    ExponentialHistogram,
    Summary,
}

/// The interval that a point covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Temporality {
    /// The metric does not say, which OTLP forbids.
    Unspecified,
    /// The time since the previous point.
    Delta,
    /// The time since the start of the series.
    Cumulative,
}

/// One value of a metric: for one set of attributes, at one time.
#[derive(Clone, Debug)]
pub(crate) struct DataPoint<'a> {
    /// In the order of the body.
    pub(crate) attributes: Vec<Attribute<'a>>,
    /// When counting began, in nanoseconds since the Unix epoch; 0 when unknown.
    pub(crate) start: u64,
    /// When the value was taken, in nanoseconds since the Unix epoch.
    pub(crate) time: u64,
    pub(crate) value: PointValue,
}

/// The value of a point.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum PointValue {
    /// The point has the flag `NO_RECORDED_VALUE`.
    NoRecordedValue,
    Number(f64),
    Histogram(HistogramPoint),
    Summary(SummaryPoint),
    /// The value is impossible, such as bucket counts that do not fit the bounds.
    Invalid,
}

/// A histogram with explicit bounds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct HistogramPoint {
    /// NaN when the program sent no sum. OTLP allows that when observations may be negative.
    pub(crate) sum: f64,
    /// Invariant: finite and increasing.
    pub(crate) bounds: Vec<f64>,
    /// The observations in each bucket by itself, not cumulated. The last bucket has no upper
    /// bound, so there is one more count than bounds.
    pub(crate) counts: Vec<u64>,
}

/// A summary.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SummaryPoint {
    pub(crate) sum: f64,
    pub(crate) count: u64,
    /// Pairs of a quantile, from 0 to 1, and its value.
    pub(crate) quantiles: Vec<(f64, f64)>,
}
