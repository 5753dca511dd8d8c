//! The encoder of metrics in protobuf.
//!
//! Messages are written in place, without generated types: each one behind room for its length, which is
//! filled in afterwards.

use crate::exposition::protobuf::schema::{
    bucket, family, histogram, label, metric, metric_type as numbers, number, quantile, summary,
};
use crate::exposition::protobuf::wire::{
    bytes_field, bytes_key, double_field, double_key, message_field, varint, varint_field,
    varint_width,
};
use crate::exposition::{
    FamilyType, HistogramValue, Metric, MetricType, MetricValue, SummaryValue,
};

/// The length of the messages `Counter`, `Gauge` and `Untyped`, in bytes: one double.
const NUMBER_LENGTH: u8 = 9;

/// The length of a double with its key, in bytes.
const DOUBLE_LENGTH: usize = 9;

/// The bytes of a `double` alone.
const VALUE_LENGTH: usize = size_of::<f64>();

/// The type that protobuf gives a family.
pub(crate) fn plain_type(family_type: FamilyType) -> MetricType {
    match family_type {
        FamilyType::Plain(plain) => plain,
        FamilyType::Info => MetricType::Gauge,
    }
}

/// The number of a type in the enum `MetricType`.
pub(crate) fn type_number(metric_type: MetricType) -> u64 {
    match metric_type {
        MetricType::Counter => numbers::COUNTER,
        MetricType::Gauge => numbers::GAUGE,
        MetricType::Summary => numbers::SUMMARY,
        MetricType::Untyped => numbers::UNTYPED,
        MetricType::Histogram => numbers::HISTOGRAM,
    }
}

/// Writes what never changes of a series: everything before the eight bytes of its number, or the
/// labels of a histogram.
///
/// `labels` are the labels' text, escaped and without braces.
pub(crate) fn write_series_prefix(out: &mut Vec<u8>, family_type: FamilyType, labels: &[u8]) {
    let number_field = match plain_type(family_type) {
        MetricType::Histogram | MetricType::Summary => return write_label_text(out, labels),
        MetricType::Counter => metric::COUNTER,
        MetricType::Gauge => metric::GAUGE,
        MetricType::Untyped => metric::UNTYPED,
    };
    message_field(out, family::METRIC, 1, |out| {
        write_label_text(out, labels);
        let keys = [bytes_key(number_field), NUMBER_LENGTH, double_key(number::VALUE)];
        out.extend_from_slice(&keys);
        // The message's length counts the number, which each encode writes anew.
        out.extend_from_slice(&[0; VALUE_LENGTH]);
    });
    out.truncate(out.len() - VALUE_LENGTH);
}

/// Writes labels that are given as text: `a="b",c="d"`.
fn write_label_text(out: &mut Vec<u8>, mut text: &[u8]) {
    let mut value = Vec::new();
    while let Some(at) = text.iter().position(|byte| *byte == b'=') {
        let (name, rest) = text.split_at(at);
        let length = unescape(rest.get(2..).unwrap_or_default(), &mut value);
        write_label(out, name, &value);
        // Behind `="`, the value, and `",`.
        text = rest.get(2 + length + 2..).unwrap_or_default();
    }
}

/// Unescapes a label value up to its quote into `value`. Returns the length of the escaped text.
fn unescape(text: &[u8], value: &mut Vec<u8>) -> usize {
    value.clear();
    let mut at = 0;
    while let Some(byte) = text.get(at).filter(|byte| **byte != b'"') {
        let is_escape = *byte == b'\\';
        if let Some(escaped) = text.get(at + 1).filter(|_| is_escape) {
            value.push(if *escaped == b'n' { b'\n' } else { *escaped });
            at += 2;
        } else {
            value.push(*byte);
            at += 1;
        }
    }
    at
}

fn write_label(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    message_field(out, metric::LABEL, 1, |out| {
        bytes_field(out, label::NAME, name);
        bytes_field(out, label::VALUE, value);
    });
}

/// Writes the `Histogram` of a `Metric`. `buckets` gives each upper bound, `+Inf` last, with the
/// number of observations in this bucket alone. Returns how many buckets there were.
///
/// The count stands behind the buckets, which protobuf allows. So it is the sum of the buckets that
/// were written, even if observations go on meanwhile.
#[inline]
pub(crate) fn write_live_histogram(
    out: &mut Vec<u8>,
    length_width: usize,
    buckets: impl Iterator<Item = (f64, u64)>,
    sum: f64,
) -> usize {
    let mut written = 0;
    message_field(out, metric::HISTOGRAM, length_width, |out| {
        let mut cumulative = 0;
        for (upper_bound, count) in buckets {
            cumulative += count;
            write_integer_bucket(out, upper_bound, cumulative);
            written += 1;
        }
        varint_field(out, histogram::COUNT, cumulative);
        double_field(out, histogram::SUM, sum);
    });
    written
}

/// Writes the field of a summary without quantiles.
pub(crate) fn write_live_summary(out: &mut Vec<u8>, sum: f64, count: u64) {
    message_field(out, metric::SUMMARY, 1, |out| {
        varint_field(out, summary::COUNT, count);
        double_field(out, summary::SUM, sum);
    });
}

#[inline]
fn write_integer_bucket(out: &mut Vec<u8>, upper_bound: f64, cumulative_count: u64) {
    out.push(bytes_key(histogram::BUCKET));
    // At most 20 bytes, so the length takes one byte.
    varint(out, (1 + varint_width(cumulative_count) + DOUBLE_LENGTH) as u64);
    varint_field(out, bucket::CUMULATIVE_COUNT, cumulative_count);
    double_field(out, bucket::UPPER_BOUND, upper_bound);
}

/// Writes the fields of a `Metric` that was read from a body.
pub(crate) fn write_metric(out: &mut Vec<u8>, metric_type: MetricType, metric: &Metric<'_>) {
    for (name, value) in &metric.labels {
        write_label(out, name.as_bytes(), value.as_bytes());
    }
    match &metric.value {
        MetricValue::Number(value) => {
            let field = match metric_type {
                MetricType::Counter => metric::COUNTER,
                MetricType::Gauge => metric::GAUGE,
                _ => metric::UNTYPED,
            };
            message_field(out, field, 1, |out| double_field(out, number::VALUE, *value));
        }
        MetricValue::Histogram(value) => {
            message_field(out, metric::HISTOGRAM, 2, |out| write_histogram(out, value));
        }
        MetricValue::Summary(value) => {
            message_field(out, metric::SUMMARY, 1, |out| write_summary(out, value));
        }
    }
    if let Some(timestamp_ms) = metric.timestamp_ms {
        varint_field(out, metric::TIMESTAMP_MS, timestamp_ms.cast_unsigned());
    }
}

fn write_histogram(out: &mut Vec<u8>, value: &HistogramValue) {
    write_count(out, histogram::COUNT, histogram::COUNT_FLOAT, value.count);
    double_field(out, histogram::SUM, value.sum);
    for read in &value.buckets {
        message_field(out, histogram::BUCKET, 1, |out| {
            let fields = (bucket::CUMULATIVE_COUNT, bucket::CUMULATIVE_COUNT_FLOAT);
            write_count(out, fields.0, fields.1, read.cumulative_count);
            double_field(out, bucket::UPPER_BOUND, read.upper_bound);
        });
    }
}

fn write_summary(out: &mut Vec<u8>, value: &SummaryValue) {
    // A summary has no field for a count that is not a whole number.
    varint_field(out, summary::COUNT, whole(value.count));
    double_field(out, summary::SUM, value.sum);
    for read in &value.quantiles {
        message_field(out, summary::QUANTILE, 1, |out| {
            double_field(out, quantile::QUANTILE, read.quantile);
            double_field(out, quantile::VALUE, read.value);
        });
    }
}

/// Writes a whole count as an integer, and any other count as a float.
fn write_count(out: &mut Vec<u8>, field: u8, float_field: u8, count: f64) {
    /// 2^64.
    const INTEGERS_END: f64 = 18_446_744_073_709_551_616.0;
    if (0.0..INTEGERS_END).contains(&count) && count.fract() == 0.0 {
        varint_field(out, field, whole(count));
    } else {
        double_field(out, float_field, count);
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "saturates, as a gateway does when it reads a count from text"
)]
fn whole(count: f64) -> u64 {
    count as u64
}
