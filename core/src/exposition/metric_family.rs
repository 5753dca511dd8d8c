//! The data model of an exposition: metric families and their metrics.

use crate::exposition::MetricType;
use std::borrow::Cow;

use crate::labels::Labels;

/// The metric families of one body, in the order of their first appearance.
///
/// A parser gives each name once. Values of this type are also made by hand, to push metrics that a
/// program has from elsewhere.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exposition<'a> {
    /// The families. A parser leaves out families without metrics.
    pub families: Vec<MetricFamily<'a>>,
}

impl<'a> Exposition<'a> {
    /// The family with this name. Takes time proportional to the number of families.
    pub fn family(&self, name: &str) -> Option<&MetricFamily<'a>> {
        self.families.iter().find(|family| family.name == name)
    }
}

/// All metrics of one name.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricFamily<'a> {
    /// The name in text 0.0.4, where a counter's name ends in `_total` if its samples do.
    pub name: Cow<'a, str>,
    /// The unescaped help text.
    pub help: Option<Cow<'a, str>>,
    /// The type. Each metric has a value of this type.
    pub metric_type: MetricType,
    /// The metrics, in the order of the body.
    pub metrics: Vec<Metric<'a>>,
}

/// One metric of a family: a label set with its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric<'a> {
    /// The labels, without the `le` of a histogram's buckets and the `quantile` of a summary.
    pub labels: Labels<'a>,
    /// The value.
    pub value: MetricValue,
    /// The time of the sample, in milliseconds since the Unix epoch, if the body gives it.
    pub timestamp_ms: Option<i64>,
    /// The line of the metric's first sample in the body, from 1; 0 for a metric of protobuf or one
    /// that was made by hand.
    pub line: usize,
}

/// The value of a metric.
#[derive(Clone, Debug, PartialEq)]
pub enum MetricValue {
    /// The value of a counter, a gauge or an untyped metric.
    Number(f64),
    /// The value of a histogram.
    Histogram(HistogramValue),
    /// The value of a summary.
    Summary(SummaryValue),
}

impl MetricValue {
    /// The number of samples, which are lines in a text format.
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
    /// The buckets, in the order of the body. If `+Inf` is missing, `count` stands for it.
    pub buckets: Vec<Bucket>,
    /// The sum of all observations.
    pub sum: f64,
    /// The number of all observations.
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
    /// The inclusive upper bound, which is the label `le`.
    pub upper_bound: f64,
    /// The number of observations that are not greater than the bound.
    pub cumulative_count: f64,
}

/// The value of a summary.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SummaryValue {
    /// The quantiles in the order of the body.
    pub quantiles: Vec<Quantile>,
    /// The sum of all observations.
    pub sum: f64,
    /// The number of all observations.
    pub count: f64,
}

/// A quantile of a summary.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantile {
    /// The number of the quantile, from 0 to 1: 0.5 is the median.
    pub quantile: f64,
    /// The value of the quantile.
    pub value: f64,
}
