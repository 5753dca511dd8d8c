//! Lints: metrics that are legal in a body and seldom meant.

use crate::exposition::sample_names::TOTAL;
use crate::exposition::{HistogramValue, MetricFamily, MetricType, MetricValue};

/// Something about a metric family that is legal and seldom meant.
pub(crate) struct Lint {
    /// The line, from 1.
    pub(crate) line: usize,
    pub(crate) message: String,
    /// The advice for the user.
    pub(crate) hint: &'static str,
}

/// Finds everything about `family` that is seldom meant.
pub(crate) fn lint_family(family: &MetricFamily<'_>) -> Vec<Lint> {
    let mut found = Vec::new();
    let mut report = |line, noun, fault, hint| {
        let message = format!("{noun} `{}` {fault}", family.name.escape_debug());
        found.push(Lint { line, message, hint });
    };
    let first_line = family.metrics.first().map_or(0, |metric| metric.line);
    let missing = match (family.help.is_none(), family.metric_type == MetricType::Untyped) {
        (true, true) => Some((
            "has neither HELP nor TYPE",
            "add `# HELP` and `# TYPE` lines before its first sample",
        )),
        (true, false) => Some(("has no HELP", "add a `# HELP` line that says what it measures")),
        (false, true) => {
            Some(("is untyped", "add a `# TYPE` line that says whether it is a counter or a gauge"))
        }
        (false, false) => None,
    };
    if let Some((fault, hint)) = missing {
        report(first_line, "metric", fault, hint);
    }
    match (family.metric_type, family.name.ends_with(TOTAL)) {
        (MetricType::Counter, false) => {
            let hint = "by convention, the name of a counter ends in `_total`";
            report(first_line, "counter", "does not end in `_total`", hint);
        }
        (MetricType::Gauge, true) => {
            let hint = "by convention, only the name of a counter ends in `_total`";
            report(first_line, "gauge", "ends in `_total`", hint);
        }
        _ => {}
    }
    for metric in &family.metrics {
        if let MetricValue::Histogram(histogram) = &metric.value
            && let Some((fault, hint)) = lint_histogram(histogram)
        {
            report(metric.line, "histogram", fault, hint);
        }
    }
    found
}

/// The first fault of a histogram, with what to do about it.
fn lint_histogram(histogram: &HistogramValue) -> Option<(&'static str, &'static str)> {
    let buckets = &histogram.buckets;
    let Some(last) = buckets.last() else {
        return Some(("has no buckets", "write buckets as samples `…_bucket{le=\"…\"}`"));
    };
    if !buckets.is_sorted_by(|a, b| a.upper_bound < b.upper_bound) {
        return Some((
            "has buckets that are not in the order of `le`",
            "write the buckets in the order of `le`, each once",
        ));
    }
    if !buckets.is_sorted_by(|a, b| a.cumulative_count <= b.cumulative_count) {
        return Some((
            "has buckets that are not cumulative",
            "each bucket must count all observations up to its `le`, including those of smaller buckets",
        ));
    }
    let has_inf = last.upper_bound == f64::INFINITY;
    if has_inf && last.cumulative_count.total_cmp(&histogram.count).is_ne() {
        return Some((
            "has a `_count` that differs from its `+Inf` bucket",
            "both must count all observations",
        ));
    }
    None
}
