//! One data point of a metric.

use crate::decode::attribute::Attribute;

/// A point: a value of one set of attributes at one time.
#[derive(Clone, Debug)]
pub(crate) struct DataPoint<'a> {
    /// In the order of the body.
    pub(crate) attributes: Vec<Attribute<'a>>,
    /// When counting began, in nanoseconds since the Unix epoch; 0 where that is not known.
    pub(crate) start: u64,
    /// When the value was taken, in nanoseconds since the Unix epoch.
    pub(crate) time: u64,
    pub(crate) value: PointValue,
}

/// The value of a point.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum PointValue {
    /// The point says that there is none (the flag `NO_RECORDED_VALUE`).
    NoRecordedValue,
    Number(f64),
    Histogram(HistogramPoint),
    Summary(SummaryPoint),
    /// What the point says makes no sense.
    Invalid,
}

/// A histogram with explicit bounds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct HistogramPoint {
    /// NaN where none was sent, as for what may be negative.
    pub(crate) sum: f64,
    /// Invariant: finite and increasing.
    pub(crate) bounds: Vec<f64>,
    /// How many observations each bucket has by itself; one more than there are bounds.
    pub(crate) counts: Vec<u64>,
}

/// A summary.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct SummaryPoint {
    pub(crate) sum: f64,
    pub(crate) count: u64,
    /// Each quantile with its value.
    pub(crate) quantiles: Vec<(f64, f64)>,
}
