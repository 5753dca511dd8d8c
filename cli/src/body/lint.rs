//! What is legal in a body and seldom meant.

use prompush_core::{HistogramValue, Metric, MetricFamily, MetricType, MetricValue};

use crate::body::analysis::Body;
use crate::body::input::{Input, Repair};
use crate::output::diagnostic::{Diagnostic, Severity, Span};

/// Warnings about all inputs, in no order.
pub(crate) fn lint(body: &Body<'_>, inputs: &[Input]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (index, input) in inputs.iter().enumerate() {
        found.extend(input.repairs.iter().map(|repairs| repair_warning(index, *repairs)));
    }
    for family in &body.exposition.families {
        lint_family(family, body.origin(&family.name), &mut found);
    }
    found
}

fn repair_warning(input: usize, repairs: Repair) -> Diagnostic {
    let (line, span, what) = match repairs {
        Repair::ByteOrderMark => {
            (1, Span::At { column: 1, width: 1 }, "the input begins with a byte order mark")
        }
        Repair::WindowsLineEnds(line) => (line, Span::End, "lines end in CR LF"),
        Repair::NoFinalNewline(line) => (line, Span::End, "the last line has no line end"),
    };
    let message = format!("{what}: a gateway refuses that, `prompush push` puts it right");
    warning(input, line, span, message, None)
}

fn lint_family(family: &MetricFamily<'_>, input: usize, found: &mut Vec<Diagnostic>) {
    let name = family.name.escape_debug();
    let first_line = family.metrics.first().map_or(0, |metric| metric.line);
    let mut warn = |line, message: String, hint: &str| {
        found.push(warning(input, line, Span::Name, message, Some(hint)));
    };
    let is_untyped = family.metric_type == MetricType::Untyped;
    match (family.help.is_none(), is_untyped) {
        (true, true) => warn(
            first_line,
            format!("metric `{name}` has neither HELP nor TYPE"),
            "say what it is: `# HELP` and `# TYPE` lines before it",
        ),
        (true, false) => warn(
            first_line,
            format!("metric `{name}` has no HELP"),
            "say what it is: a `# HELP` line before it",
        ),
        (false, true) => warn(
            first_line,
            format!("metric `{name}` is untyped"),
            "a `# TYPE` line before it says whether it is a counter or a gauge",
        ),
        (false, false) => {}
    }
    let ends_in_total = family.name.ends_with("_total");
    if family.metric_type == MetricType::Counter && !ends_in_total {
        let message = format!("counter `{name}` does not end in `_total`");
        warn(first_line, message, "a counter's name ends in `_total`, by convention");
    }
    if matches!(family.metric_type, MetricType::Gauge) && ends_in_total {
        let message = format!("gauge `{name}` ends in `_total`");
        warn(first_line, message, "only a counter's name ends in `_total`, by convention");
    }
    for metric in &family.metrics {
        if let Some((what, hint)) = odd_histogram(metric) {
            warn(metric.line, format!("histogram `{name}` {what}"), hint);
        }
    }
}

fn odd_histogram(metric: &Metric<'_>) -> Option<(&'static str, &'static str)> {
    let MetricValue::Histogram(HistogramValue { buckets, count, .. }) = &metric.value else {
        return None;
    };
    if buckets.is_empty() {
        return Some(("has no buckets", "buckets are samples `…_bucket{le=\"…\"}`"));
    }
    if !buckets.is_sorted_by(|a, b| a.upper_bound < b.upper_bound) {
        return Some(("has buckets out of order, or one twice", "write them by growing `le`"));
    }
    if !buckets.is_sorted_by(|a, b| a.cumulative_count <= b.cumulative_count) {
        return Some((
            "has buckets that are not cumulative",
            "each bucket counts all observations up to its `le`, those of smaller buckets too",
        ));
    }
    let inf = buckets.last().filter(|bucket| bucket.upper_bound == f64::INFINITY);
    if inf.is_some_and(|inf| inf.cumulative_count.total_cmp(count).is_ne()) {
        return Some((
            "has another `_count` than its `+Inf` bucket",
            "both count all observations",
        ));
    }
    None
}

fn warning(
    input: usize,
    line: usize,
    span: Span,
    message: String,
    hint: Option<&str>,
) -> Diagnostic {
    let hint = hint.map(str::to_owned);
    Diagnostic { severity: Severity::Warning, input, line, span, message, hint }
}
