//! The samples of one metric in the text formats, in the order in which every exposition has them.
//!
//! This file is the only place that knows the layout of a histogram and of a summary: first the buckets
//! or quantiles, then the sum, then the count. The caller chooses how numbers are written, with a
//! [`WriteNumber`], because text 0.0.4, OpenMetrics and a gateway each spell numbers in their own way.

use std::ops::Range;

use crate::exposition::sample_names::{BUCKET, COUNT, SUM};
use crate::exposition::text::write_float;
use crate::exposition::{HistogramValue, MetricValue, SummaryValue};

/// A number in the spelling of one exposition.
pub trait WriteNumber {
    /// Writes the number as a sample's value.
    fn write_number(&self, out: &mut Vec<u8>);

    /// Writes the number as the value of a sample's last label, with what follows it up to the
    /// sample's value: `0.5"} `.
    #[inline]
    fn write_bound(&self, out: &mut Vec<u8>) {
        self.write_number(out);
        out.extend_from_slice(b"\"} ");
    }
}

impl WriteNumber for u64 {
    #[inline]
    fn write_number(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(itoa::Buffer::new().format(*self).as_bytes());
    }
}

/// Spelled by [`write_float`].
impl WriteNumber for f64 {
    #[inline]
    fn write_number(&self, out: &mut Vec<u8>) {
        write_float(out, *self);
    }
}

/// The samples of one metric that were written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenSamples {
    /// The number of samples.
    pub count: usize,
    /// Where the metric's labels stand in the last sample, as positions in the buffer.
    pub labels: Range<usize>,
}

/// Writes all samples of a metric.
///
/// `labels` are the metric's own labels as text, escaped and without braces, such as `a="1",b="2"`.
/// `number` and `bound` choose the spelling of values, and of the labels `le` and `quantile`. A
/// histogram without a `+Inf` bucket gets one with the histogram's count.
///
/// ```
/// use prompush_core::text::write_metric;
/// use prompush_core::{MetricValue, SummaryValue};
///
/// let summary = SummaryValue { quantiles: Vec::new(), sum: 0.5, count: 2.0 };
/// let mut out = Vec::new();
/// let value = MetricValue::Summary(summary);
/// write_metric(&mut out, "wait_seconds", b"job=\"x\"", &value, |n| n, |n| n);
/// assert_eq!(out, b"wait_seconds_sum{job=\"x\"} 0.5\nwait_seconds_count{job=\"x\"} 2\n");
/// ```
pub fn write_metric<N: WriteNumber, B: WriteNumber>(
    out: &mut Vec<u8>,
    name: &str,
    labels: &[u8],
    value: &MetricValue,
    number: impl Fn(f64) -> N,
    bound: impl Fn(f64) -> B,
) -> WrittenSamples {
    match value {
        MetricValue::Number(value) => {
            let labels = write_sample(out, name, "", labels, &number(*value));
            WrittenSamples { count: 1, labels }
        }
        MetricValue::Histogram(histogram) => {
            let HistogramValue { buckets, sum, count } = histogram;
            let inf = (!histogram.has_inf_bucket()).then_some((f64::INFINITY, *count));
            let buckets =
                buckets.iter().map(|bucket| (bucket.upper_bound, bucket.cumulative_count));
            let buckets = buckets.chain(inf).map(|(upper, count)| (bound(upper), number(count)));
            write_histogram(out, name, labels, buckets, &number(*sum), |_| number(*count))
        }
        MetricValue::Summary(SummaryValue { quantiles, sum, count }) => {
            let quantiles = quantiles.iter().map(|q| (bound(q.quantile), number(q.value)));
            write_summary(out, name, labels, quantiles, &number(*sum), &number(*count))
        }
    }
}

/// Writes all samples of a summary. `quantiles` gives each quantile, from 0 to 1, with its value.
pub fn write_summary<B: WriteNumber, V: WriteNumber>(
    out: &mut Vec<u8>,
    name: &str,
    labels: &[u8],
    quantiles: impl Iterator<Item = (B, V)>,
    sum: &impl WriteNumber,
    count: &impl WriteNumber,
) -> WrittenSamples {
    let mut samples = 0;
    for (quantile, value) in quantiles {
        begin_bound_sample(out, name, "", labels, "quantile");
        quantile.write_bound(out);
        value.write_number(out);
        out.push(b'\n');
        samples += 1;
    }
    write_sample(out, name, SUM, labels, sum);
    let labels = write_sample(out, name, COUNT, labels, count);
    WrittenSamples { count: samples + 2, labels }
}

/// Writes all samples of a histogram.
///
/// `buckets` gives each bound, `+Inf` last, with the bucket's cumulative count. `count` gets the count of
/// the last bucket, and returns the count of the histogram.
#[inline]
pub fn write_histogram<B: WriteNumber, C: WriteNumber>(
    out: &mut Vec<u8>,
    name: &str,
    labels: &[u8],
    buckets: impl Iterator<Item = (B, C)>,
    sum: &impl WriteNumber,
    count: impl FnOnce(Option<C>) -> C,
) -> WrittenSamples {
    // All buckets begin with the same text: it is put together once and then copied.
    let prefix = out.len();
    begin_bound_sample(out, name, BUCKET, labels, "le");
    let prefix = prefix..out.len();
    let mut samples = 0;
    let mut last = None;
    for (bound, cumulative) in buckets {
        if samples > 0 {
            out.extend_from_within(prefix.clone());
        }
        bound.write_bound(out);
        cumulative.write_number(out);
        out.push(b'\n');
        last = Some(cumulative);
        samples += 1;
    }
    if samples == 0 {
        out.truncate(prefix.start);
    }
    write_sample(out, name, SUM, labels, sum);
    let labels = write_sample(out, name, COUNT, labels, &count(last));
    WrittenSamples { count: samples + 2, labels }
}

/// Writes one sample. Returns where its labels stand.
#[inline]
pub fn write_sample(
    out: &mut Vec<u8>,
    name: &str,
    suffix: &str,
    labels: &[u8],
    value: &impl WriteNumber,
) -> Range<usize> {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(suffix.as_bytes());
    let start = out.len() + usize::from(!labels.is_empty());
    if labels.is_empty() {
        out.push(b' ');
    } else {
        out.push(b'{');
        out.extend_from_slice(labels);
        out.extend_from_slice(b"} ");
    }
    value.write_number(out);
    out.push(b'\n');
    start..start + labels.len()
}

/// Writes the text before a bound or quantile: `name_bucket{labels,le="`.
#[inline]
fn begin_bound_sample(out: &mut Vec<u8>, name: &str, suffix: &str, labels: &[u8], label: &str) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(suffix.as_bytes());
    out.push(b'{');
    if !labels.is_empty() {
        out.extend_from_slice(labels);
        out.push(b',');
    }
    out.extend_from_slice(label.as_bytes());
    out.extend_from_slice(b"=\"");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exposition::{Bucket, Quantile};

    fn check(value: &MetricValue, labels: &str, expected: &str) {
        let mut out = b"before\n".to_vec();
        let written = write_metric(&mut out, "m", labels.as_bytes(), value, |n| n, |n| n);
        assert_eq!(out[written.labels], *labels.as_bytes());
        assert_eq!(written.count, expected.lines().count());
        assert_eq!(String::from_utf8(out).unwrap(), format!("before\n{expected}"));
    }

    #[test]
    fn a_histogram_gets_its_inf_bucket() {
        let buckets = vec![Bucket { upper_bound: 0.5, cumulative_count: 2.0 }];
        let histogram = HistogramValue { buckets, sum: 1.5, count: 3.0 };
        check(
            &MetricValue::Histogram(histogram.clone()),
            "a=\"1\"",
            "m_bucket{a=\"1\",le=\"0.5\"} 2\nm_bucket{a=\"1\",le=\"+Inf\"} 3\n\
             m_sum{a=\"1\"} 1.5\nm_count{a=\"1\"} 3\n",
        );
        check(
            &MetricValue::Histogram(histogram),
            "",
            "m_bucket{le=\"0.5\"} 2\nm_bucket{le=\"+Inf\"} 3\nm_sum 1.5\nm_count 3\n",
        );
    }

    #[test]
    fn a_summary_has_its_quantiles_first() {
        let quantiles = vec![Quantile { quantile: 0.9, value: 4.0 }];
        let summary = SummaryValue { quantiles, sum: 5.0, count: 2.0 };
        check(&MetricValue::Summary(summary), "", "m{quantile=\"0.9\"} 4\nm_sum 5\nm_count 2\n");
        check(&MetricValue::Number(7.0), "a=\"1\"", "m{a=\"1\"} 7\n");
    }
}
