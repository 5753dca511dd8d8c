//! Families in delimited protobuf.
//!
//! Messages are written in place, each behind room for its length, without a tree.
//!
//! Source: `prometheus/client_model`, `metrics.proto`.

use super::wire::{
    self, bytes_field, bytes_key, double_field, double_key, leave_room, message_field, varint,
    varint_field, varint_width,
};
use super::{Chunk, Encoder};
use crate::exposition::{
    HistogramValue, Metric, MetricFamily, MetricType, MetricValue, SummaryValue,
};
use crate::metric_kind::sealed::FamilyType;

/// The fields of `MetricFamily`.
mod family {
    pub(super) const NAME: u8 = 1;
    pub(super) const HELP: u8 = 2;
    pub(super) const TYPE: u8 = 3;
    pub(super) const METRIC: u8 = 4;
}

/// The fields of `Metric`.
mod metric {
    pub(super) const LABEL: u8 = 1;
    pub(super) const GAUGE: u8 = 2;
    pub(super) const COUNTER: u8 = 3;
    pub(super) const SUMMARY: u8 = 4;
    pub(super) const UNTYPED: u8 = 5;
    pub(super) const TIMESTAMP_MS: u8 = 6;
    pub(super) const HISTOGRAM: u8 = 7;
}

/// The fields of `Histogram` and its `Bucket`.
mod histogram {
    pub(super) const COUNT: u8 = 1;
    pub(super) const SUM: u8 = 2;
    pub(super) const BUCKET: u8 = 3;
    pub(super) const COUNT_FLOAT: u8 = 4;
    pub(super) const CUMULATIVE_COUNT: u8 = 1;
    pub(super) const UPPER_BOUND: u8 = 2;
    pub(super) const CUMULATIVE_COUNT_FLOAT: u8 = 4;
}

/// The fields of `Summary` and its `Quantile`.
mod summary {
    pub(super) const COUNT: u8 = 1;
    pub(super) const SUM: u8 = 2;
    pub(super) const QUANTILE: u8 = 3;
    pub(super) const WHICH: u8 = 1;
    pub(super) const VALUE: u8 = 2;
}

/// How long `Counter`, `Gauge` and `Untyped` are: one double.
const NUMBER_LENGTH: u8 = 9;

/// How long a family is whose length is not known: where that takes two bytes, between one and
/// three.
const LENGTH_GUESS: usize = 1 << 10;

/// How long a double field is.
const DOUBLE_LENGTH: usize = 9;

impl Encoder {
    /// Begins a family whose message takes about `length` bytes.
    pub(super) fn open_protobuf(
        &mut self,
        name: &str,
        help: Option<&str>,
        family_type: FamilyType,
        length: usize,
    ) {
        self.close_family();
        let out = &mut self.out;
        let start = out.len();
        let length_width = varint_width(length as u64);
        leave_room(out, length_width);
        bytes_field(out, family::NAME, name.as_bytes());
        let name = out.len() - name.len()..out.len();
        if let Some(help) = help {
            bytes_field(out, family::HELP, help.as_bytes());
        }
        varint_field(out, family::TYPE, type_number(plain_type(family_type)));
        self.chunks.push(Chunk { name, start, end: start, length_width });
    }

    /// The writer of one series, of which `kept` is what [`keep`] has kept.
    #[inline]
    pub(super) fn series_writer<'a>(&'a mut self, kept: &'a [u8]) -> SeriesWriter<'a> {
        SeriesWriter { out: &mut self.out, samples: &mut self.samples, kept }
    }

    /// Writes a family whose metrics are messages of somebody else, each with how many samples it
    /// has.
    #[cfg(feature = "native-histograms")]
    pub(crate) fn foreign_family<'a, M: prost::Message + 'a>(
        &mut self,
        name: &str,
        help: Option<&str>,
        metric_type: MetricType,
        metrics: impl Iterator<Item = (&'a M, usize)>,
    ) -> Result<(), prost::EncodeError> {
        self.open_protobuf(name, help, FamilyType::Plain(metric_type), LENGTH_GUESS);
        for (metric, samples) in metrics {
            self.out.push(bytes_key(family::METRIC));
            metric.encode_length_delimited(&mut self.out)?;
            self.samples += samples;
        }
        Ok(())
    }

    pub(super) fn exposition_protobuf(&mut self, family: &MetricFamily<'_>) {
        let family_type = FamilyType::Plain(family.metric_type);
        self.open_protobuf(&family.name, family.help.as_deref(), family_type, LENGTH_GUESS);
        for metric in &family.metrics {
            message_field(&mut self.out, family::METRIC, 1, |out| {
                write_metric(out, family.metric_type, metric);
            });
            self.samples += metric.value.samples();
        }
    }
}

fn plain_type(family_type: FamilyType) -> MetricType {
    match family_type {
        FamilyType::Plain(plain) => plain,
        FamilyType::Info => MetricType::Gauge,
    }
}

fn type_number(metric_type: MetricType) -> u64 {
    match metric_type {
        MetricType::Counter => 0,
        MetricType::Gauge => 1,
        MetricType::Summary => 2,
        MetricType::Untyped => 3,
        MetricType::Histogram => 4,
    }
}

/// Writes one series of ours.
#[derive(Debug)]
pub struct SeriesWriter<'a> {
    out: &'a mut Vec<u8>,
    samples: &'a mut usize,
    kept: &'a [u8],
}

impl SeriesWriter<'_> {
    /// Writes the value of a counter, gauge or info.
    #[inline]
    pub(crate) fn number(self, value: f64) {
        self.out.extend_from_slice(self.kept);
        self.out.extend_from_slice(&value.to_le_bytes());
        *self.samples += 1;
    }

    /// Writes a histogram, of which `buckets` are the upper bounds, `+Inf` last, and how many
    /// observations fell into each bucket alone.
    ///
    /// The count stands behind the buckets, which protobuf allows: so it is the sum of what was
    /// written, though observations go on meanwhile.
    pub(crate) fn histogram(self, buckets: impl Iterator<Item = (f64, u64)>, sum: f64) {
        /// Of lengths from 128 to 16,383, which histograms of seven buckets and more have.
        const LENGTH_WIDTH: usize = 2;
        let Self { out, samples, kept } = self;
        message_field(out, family::METRIC, LENGTH_WIDTH, |out| {
            out.extend_from_slice(kept);
            message_field(out, metric::HISTOGRAM, LENGTH_WIDTH, |out| {
                let mut cumulative = 0;
                for (upper_bound, count) in buckets {
                    cumulative += count;
                    write_bucket(out, upper_bound, cumulative);
                    *samples += 1;
                }
                varint_field(out, histogram::COUNT, cumulative);
                double_field(out, histogram::SUM, sum);
            });
        });
        *samples += 2;
    }
}

#[inline]
fn write_bucket(out: &mut Vec<u8>, upper_bound: f64, cumulative_count: u64) {
    out.push(bytes_key(histogram::BUCKET));
    // At most 20, which is one byte.
    varint(out, (1 + varint_width(cumulative_count) + DOUBLE_LENGTH) as u64);
    varint_field(out, histogram::CUMULATIVE_COUNT, cumulative_count);
    double_field(out, histogram::UPPER_BOUND, upper_bound);
}

/// Writes what never changes of a series: everything before the eight bytes of its number, or the
/// labels of a histogram. `labels` is their text, escaped, without braces.
pub(super) fn keep(out: &mut Vec<u8>, family_type: FamilyType, labels: &[u8]) {
    let number_field = match plain_type(family_type) {
        MetricType::Histogram | MetricType::Summary => return write_label_text(out, labels),
        MetricType::Counter => metric::COUNTER,
        MetricType::Gauge => metric::GAUGE,
        MetricType::Untyped => metric::UNTYPED,
    };
    message_field(out, family::METRIC, 1, |out| {
        write_label_text(out, labels);
        out.extend_from_slice(&[bytes_key(number_field), NUMBER_LENGTH, double_key(1)]);
        // For the length's sake.
        out.extend_from_slice(&[0; 8]);
    });
    out.truncate(out.len() - 8);
}

/// Writes labels that are text: `a="b",c="d"`.
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

/// Unescapes a label value up to its quote into `value`; returns how long it was before.
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
        bytes_field(out, 1, name);
        bytes_field(out, 2, value);
    });
}

fn write_metric(out: &mut Vec<u8>, metric_type: MetricType, metric: &Metric<'_>) {
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
            message_field(out, field, 1, |out| double_field(out, 1, *value));
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
    for bucket in &value.buckets {
        message_field(out, histogram::BUCKET, 1, |out| {
            let count = bucket.cumulative_count;
            let (field, float_field) =
                (histogram::CUMULATIVE_COUNT, histogram::CUMULATIVE_COUNT_FLOAT);
            write_count(out, field, float_field, count);
            double_field(out, histogram::UPPER_BOUND, bucket.upper_bound);
        });
    }
}

fn write_summary(out: &mut Vec<u8>, value: &SummaryValue) {
    // There is no field for parts of an observation.
    varint_field(out, summary::COUNT, whole(value.count));
    double_field(out, summary::SUM, value.sum);
    for quantile in &value.quantiles {
        message_field(out, summary::QUANTILE, 1, |out| {
            double_field(out, summary::WHICH, quantile.quantile);
            double_field(out, summary::VALUE, quantile.value);
        });
    }
}

/// A count is an integer where it is one, and a float where it is not.
fn write_count(out: &mut Vec<u8>, field: u8, float_field: u8, count: f64) {
    /// 2^64.
    const INTEGERS_END: f64 = 18_446_744_073_709_551_616.0;
    if (0.0..INTEGERS_END).contains(&count) && count.fract() == 0.0 {
        varint_field(out, field, whole(count));
    } else {
        wire::double_field(out, float_field, count);
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
