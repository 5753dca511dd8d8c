//! What a body in an exposition format says: metric families and their metrics.

use crate::exposition::metric_type::MetricType;
use std::borrow::Cow;

use crate::labels::metric_labels::Labels;

/// The families of one body, each name once, in the order of their first appearance.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exposition<'a> {
    /// The families; none is without metrics.
    pub families: Vec<MetricFamily<'a>>,
}

impl<'a> Exposition<'a> {
    /// The family of that name.
    pub fn family(&self, name: &str) -> Option<&MetricFamily<'a>> {
        self.families.iter().find(|family| family.name == name)
    }
}

/// All metrics of one name.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricFamily<'a> {
    /// The name, as text 0.0.4 writes it: a counter's ends in `_total` if its samples do.
    pub name: Cow<'a, str>,
    /// The help text, unescaped.
    pub help: Option<Cow<'a, str>>,
    /// The type.
    pub metric_type: MetricType,
    /// The metrics, in the order of the body.
    pub metrics: Vec<Metric<'a>>,
}

/// One label set with its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric<'a> {
    /// The labels as they were given; without `le` for a histogram and `quantile` for a summary.
    pub labels: Labels<'a>,
    /// The value.
    pub value: MetricValue,
    /// Milliseconds since the Unix epoch.
    pub timestamp_ms: Option<i64>,
    /// The line of the body where the metric first appears, from 1; 0 where there are no lines.
    pub line: usize,
}

/// The value of a metric.
#[derive(Clone, Debug, PartialEq)]
pub enum MetricValue {
    /// Of a counter, a gauge or an untyped metric.
    Number(f64),
    /// Of a histogram.
    Histogram(HistogramValue),
    /// Of a summary.
    Summary(SummaryValue),
}

impl MetricValue {
    /// How many samples, that is lines of text, the value has.
    pub fn samples(&self) -> usize {
        match self {
            Self::Number(_) => 1,
            Self::Histogram(value) => {
                value.buckets.len() + usize::from(!value.has_inf_bucket()) + 2
            }
            Self::Summary(value) => value.quantiles.len() + 2,
        }
    }
}

/// The value of a classic histogram.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct HistogramValue {
    /// The buckets in the order of the body; `+Inf` may be missing, then it is `count`.
    pub buckets: Vec<Bucket>,
    /// The sum of all observations.
    pub sum: f64,
    /// How many observations there are.
    pub count: f64,
}

impl HistogramValue {
    /// Whether the `+Inf` bucket is among the buckets.
    pub fn has_inf_bucket(&self) -> bool {
        self.buckets.iter().any(|bucket| bucket.upper_bound == f64::INFINITY)
    }
}

/// A bucket of a classic histogram.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bucket {
    /// The bucket's inclusive upper bound: its `le`.
    pub upper_bound: f64,
    /// How many observations are at most the bound.
    pub cumulative_count: f64,
}

/// The value of a summary.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SummaryValue {
    /// The quantiles in the order of the body.
    pub quantiles: Vec<Quantile>,
    /// The sum of all observations.
    pub sum: f64,
    /// How many observations there are.
    pub count: f64,
}

/// A quantile of a summary.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantile {
    /// Which, from 0 to 1.
    pub quantile: f64,
    /// Its value.
    pub value: f64,
}
