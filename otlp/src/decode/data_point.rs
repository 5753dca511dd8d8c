//! One data point of a metric.

use crate::decode::attribute::Attribute;

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
