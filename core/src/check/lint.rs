//! Lints: metrics that are legal in a body and seldom meant.

use std::fmt;

use crate::check::hint::Hint;
use crate::exposition::metric_family::{HistogramValue, Metric, MetricFamily, MetricValue};
use crate::exposition::metric_type::MetricType;
use crate::exposition::sample_names::TOTAL;

/// Something about a metric family that is legal and seldom meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lint {
    /// The metric family's name.
    pub family: String,
    /// What is seldom meant.
    pub kind: LintKind,
}

/// The kinds of lints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LintKind {
    /// The family has neither a help text nor a type.
    NoHelpAndType,
    /// The family has no help text.
    NoHelp,
    /// The family has no type.
    Untyped,
    /// A counter's name does not end in `_total`.
    CounterWithoutTotal,
    /// A gauge's name ends in `_total`.
    GaugeWithTotal,
    /// A histogram has no buckets.
    NoBuckets,
    /// A histogram's bounds do not grow.
    BucketOrder,
    /// A bucket counts less than a smaller one.
    NotCumulative,
    /// A histogram's `_count` is not the count of its `+Inf` bucket.
    CountIsNotInfBucket,
}

impl LintKind {
    /// What to do about the lint.
    pub fn hint(self) -> Hint {
        match self {
            Self::NoHelpAndType => Hint::AddHelpAndType,
            Self::NoHelp => Hint::AddHelp,
            Self::Untyped => Hint::AddType,
            Self::CounterWithoutTotal => Hint::CountersEndInTotal,
            Self::GaugeWithTotal => Hint::OnlyCountersEndInTotal,
            Self::NoBuckets => Hint::BucketSyntax,
            Self::BucketOrder => Hint::SortBuckets,
            Self::NotCumulative => Hint::CumulativeBuckets,
            Self::CountIsNotInfBucket => Hint::CountIsInfBucket,
        }
    }
}

impl fmt::Display for Lint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.family.escape_debug();
        match self.kind {
            LintKind::NoHelpAndType => write!(f, "metric `{name}` has neither HELP nor TYPE"),
            LintKind::NoHelp => write!(f, "metric `{name}` has no HELP"),
            LintKind::Untyped => write!(f, "metric `{name}` is untyped"),
            LintKind::CounterWithoutTotal => {
                write!(f, "counter `{name}` does not end in `_total`")
            }
            LintKind::GaugeWithTotal => write!(f, "gauge `{name}` ends in `_total`"),
            LintKind::NoBuckets => write!(f, "histogram `{name}` has no buckets"),
            LintKind::BucketOrder => {
                write!(f, "histogram `{name}` has buckets that are not in the order of `le`")
            }
            LintKind::NotCumulative => {
                write!(f, "histogram `{name}` has buckets that are not cumulative")
            }
            LintKind::CountIsNotInfBucket => {
                write!(f, "histogram `{name}` has a `_count` that differs from its `+Inf` bucket")
            }
        }
    }
}

/// Finds everything about `family` that is seldom meant. Calls `report` with the line of each lint.
pub(crate) fn lint_family(family: &MetricFamily<'_>, report: &mut impl FnMut(usize, LintKind)) {
    let first_line = family.metrics.first().map_or(0, |metric| metric.line);
    match (family.help.is_none(), family.metric_type == MetricType::Untyped) {
        (true, true) => report(first_line, LintKind::NoHelpAndType),
        (true, false) => report(first_line, LintKind::NoHelp),
        (false, true) => report(first_line, LintKind::Untyped),
        (false, false) => {}
    }
    match (family.metric_type, family.name.ends_with(TOTAL)) {
        (MetricType::Counter, false) => report(first_line, LintKind::CounterWithoutTotal),
        (MetricType::Gauge, true) => report(first_line, LintKind::GaugeWithTotal),
        _ => {}
    }
    for metric in &family.metrics {
        if let Some(kind) = lint_histogram(metric) {
            report(metric.line, kind);
        }
    }
}

fn lint_histogram(metric: &Metric<'_>) -> Option<LintKind> {
    let MetricValue::Histogram(HistogramValue { buckets, count, .. }) = &metric.value else {
        return None;
    };
    if buckets.is_empty() {
        return Some(LintKind::NoBuckets);
    }
    if !buckets.is_sorted_by(|a, b| a.upper_bound < b.upper_bound) {
        return Some(LintKind::BucketOrder);
    }
    if !buckets.is_sorted_by(|a, b| a.cumulative_count <= b.cumulative_count) {
        return Some(LintKind::NotCumulative);
    }
    let inf = buckets.last().filter(|bucket| bucket.upper_bound == f64::INFINITY);
    let differs = inf.is_some_and(|inf| inf.cumulative_count.total_cmp(count).is_ne());
    differs.then_some(LintKind::CountIsNotInfBucket)
}
