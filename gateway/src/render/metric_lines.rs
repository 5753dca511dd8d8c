//! The lines of a rendered metric.

use prompush_core::{HistogramValue, MetricFamily, MetricType, MetricValue, SummaryValue};

use crate::error::Inconsistency;
use crate::text_format::number::write_number;

/// Appends all lines of a metric and returns the position of its labels in `out`.
///
/// # Errors
///
/// If the value does not fit the type of the family.
pub(super) fn write_metric(
    out: &mut Vec<u8>,
    family: &MetricFamily<'_>,
    name: &str,
    value: &MetricValue,
    labels: &[u8],
) -> Result<usize, Inconsistency> {
    match (family.metric_type, value) {
        (
            MetricType::Counter | MetricType::Gauge | MetricType::Untyped,
            MetricValue::Number(number),
        ) => Ok(write_sample(out, name, "", labels, None, *number)),
        (MetricType::Histogram, MetricValue::Histogram(histogram)) => {
            Ok(write_histogram(out, name, histogram, labels))
        }
        (MetricType::Summary, MetricValue::Summary(summary)) => {
            Ok(write_summary(out, name, summary, labels))
        }
        _ => Err(Inconsistency::Value {
            family: name.to_owned(),
            labels: String::from_utf8_lossy(labels).into_owned(),
            metric_type: family.metric_type.as_str().to_ascii_uppercase(),
        }),
    }
}

/// A histogram without a bucket for `+Inf` gets one, which has the count.
fn write_histogram(
    out: &mut Vec<u8>,
    name: &str,
    histogram: &HistogramValue,
    labels: &[u8],
) -> usize {
    for bucket in &histogram.buckets {
        let bound = Some(("le", bucket.upper_bound));
        write_sample(out, name, "_bucket", labels, bound, bucket.cumulative_count);
    }
    if !histogram.has_inf_bucket() {
        let bound = Some(("le", f64::INFINITY));
        write_sample(out, name, "_bucket", labels, bound, histogram.count);
    }
    write_sample(out, name, "_sum", labels, None, histogram.sum);
    write_sample(out, name, "_count", labels, None, histogram.count)
}

fn write_summary(out: &mut Vec<u8>, name: &str, summary: &SummaryValue, labels: &[u8]) -> usize {
    for quantile in &summary.quantiles {
        write_sample(out, name, "", labels, Some(("quantile", quantile.quantile)), quantile.value);
    }
    write_sample(out, name, "_sum", labels, None, summary.sum);
    write_sample(out, name, "_count", labels, None, summary.count)
}

/// Appends one line and returns the position of its labels in `out`. `bound` is the label `le` or `quantile`.
pub(super) fn write_sample(
    out: &mut Vec<u8>,
    name: &str,
    suffix: &str,
    labels: &[u8],
    bound: Option<(&str, f64)>,
    value: f64,
) -> usize {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(suffix.as_bytes());
    out.push(b'{');
    let labels_start = out.len();
    out.extend_from_slice(labels);
    if let Some((bound_name, bound)) = bound {
        out.push(b',');
        out.extend_from_slice(bound_name.as_bytes());
        out.extend_from_slice(b"=\"");
        write_number(out, bound);
        out.push(b'"');
    }
    out.extend_from_slice(b"} ");
    write_number(out, value);
    out.push(b'\n');
    labels_start
}
