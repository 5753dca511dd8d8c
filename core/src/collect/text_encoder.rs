//! Families in the text formats.

use super::{Chunk, Encoder};
use crate::exposition::{Metric, MetricFamily, MetricType, MetricValue};
use crate::format::Format;
use crate::labels::Labels;
use crate::metric_kind::sealed::FamilyType;
use crate::text::{write_float, write_float_go, write_help, write_label_value};

impl Encoder {
    /// Begins a family: writes its `# HELP` and `# TYPE`.
    ///
    /// `name` is the family's name in text 0.0.4, `help` empty for none.
    pub(crate) fn family(&mut self, name: &str, help: &str, family_type: FamilyType) {
        self.close_family();
        let start = self.out.len();
        let (name, word) = match (self.format, family_type) {
            (Format::OpenMetrics, FamilyType::Info) => {
                (name.strip_suffix("_info").unwrap_or(name), "info")
            }
            (_, FamilyType::Info) => (name, "gauge"),
            (Format::OpenMetrics, FamilyType::Plain(MetricType::Counter)) => {
                (name.strip_suffix("_total").unwrap_or(name), "counter")
            }
            (Format::OpenMetrics, FamilyType::Plain(MetricType::Untyped)) => (name, "unknown"),
            (_, FamilyType::Plain(plain)) => (name, plain.as_str()),
        };
        if !help.is_empty() {
            self.out.extend_from_slice(b"# HELP ");
            self.out.extend_from_slice(name.as_bytes());
            self.out.push(b' ');
            if self.format == Format::OpenMetrics {
                // It escapes quotes in help texts as well.
                write_label_value(&mut self.out, help);
            } else {
                write_help(&mut self.out, help);
            }
            self.out.push(b'\n');
        }
        self.out.extend_from_slice(b"# TYPE ");
        let name_at = self.out.len();
        self.out.extend_from_slice(name.as_bytes());
        let name = name_at..self.out.len();
        self.out.push(b' ');
        self.out.extend_from_slice(word.as_bytes());
        self.out.push(b'\n');
        self.chunks.push(Chunk { name, start, end: start, length_width: 0 });
    }

    /// Writes text as it is; a sample's line is made of several pieces.
    #[inline]
    pub(crate) fn raw(&mut self, text: &[u8]) {
        self.out.extend_from_slice(text);
    }

    /// Writes what follows `le="`.
    #[inline]
    pub(crate) fn bound(&mut self, text: &BoundText) {
        let end = self.out.len() + text.length;
        self.out.extend_from_slice(&text.bytes);
        self.out.truncate(end);
    }

    /// Ends a sample's line with a whole number.
    #[inline]
    pub(crate) fn end_integer(&mut self, value: u64) {
        self.out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
        self.out.push(b'\n');
        self.samples += 1;
    }

    /// Ends a sample's line with a number.
    #[inline]
    pub(crate) fn end_float(&mut self, value: f64) {
        write_float(&mut self.out, value);
        self.out.push(b'\n');
        self.samples += 1;
    }

    pub(super) fn exposition_text(&mut self, family: &MetricFamily<'_>) {
        let help = family.help.as_deref().unwrap_or_default();
        self.family(&family.name, help, FamilyType::Plain(family.metric_type));
        for metric in &family.metrics {
            self.exposition_metric(&family.name, family.metric_type, metric);
        }
    }

    fn exposition_metric(&mut self, name: &str, metric_type: MetricType, metric: &Metric<'_>) {
        match &metric.value {
            MetricValue::Number(value) => {
                let must_end_in_total = self.format == Format::OpenMetrics
                    && metric_type == MetricType::Counter
                    && !name.ends_with("_total");
                let suffix = if must_end_in_total { "_total" } else { "" };
                self.sample(name, suffix, &metric.labels, None, *value);
            }
            MetricValue::Histogram(histogram) => {
                for bucket in &histogram.buckets {
                    let bound = Some(("le", bucket.upper_bound));
                    let count = bucket.cumulative_count;
                    self.sample(name, "_bucket", &metric.labels, bound, count);
                }
                if !histogram.has_inf_bucket() {
                    let bound = Some(("le", f64::INFINITY));
                    self.sample(name, "_bucket", &metric.labels, bound, histogram.count);
                }
                self.sample(name, "_sum", &metric.labels, None, histogram.sum);
                self.sample(name, "_count", &metric.labels, None, histogram.count);
            }
            MetricValue::Summary(summary) => {
                for quantile in &summary.quantiles {
                    let bound = Some(("quantile", quantile.quantile));
                    self.sample(name, "", &metric.labels, bound, quantile.value);
                }
                self.sample(name, "_sum", &metric.labels, None, summary.sum);
                self.sample(name, "_count", &metric.labels, None, summary.count);
            }
        }
    }

    fn sample(
        &mut self,
        name: &str,
        suffix: &str,
        labels: &Labels<'_>,
        bound: Option<(&str, f64)>,
        value: f64,
    ) {
        self.raw(name.as_bytes());
        self.raw(suffix.as_bytes());
        let mut before = b"{";
        for (name, value) in labels {
            self.raw(before);
            self.raw(name.as_bytes());
            self.raw(b"=\"");
            write_label_value(&mut self.out, value);
            self.raw(b"\"");
            before = b",";
        }
        if let Some((bound_name, bound)) = bound {
            self.raw(before);
            self.raw(bound_name.as_bytes());
            self.raw(b"=\"");
            write_bound(&mut self.out, self.format, bound);
            self.raw(b"\"");
        }
        self.raw(if labels.is_empty() && bound.is_none() { b" " } else { b"} " });
        self.end_float(value);
    }
}

/// What follows `le="` in a line: `0.5"} `.
///
/// It is as long as the longest one, because so many bytes are copied without a call, and then cut.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BoundText {
    bytes: [u8; 32],
    length: usize,
}

impl BoundText {
    pub(crate) fn new(bound: f64, format: Format) -> Self {
        let mut text = Vec::new();
        // At most 24 bytes, as in `-1.7976931348623157e+308`.
        write_bound(&mut text, format, bound);
        text.extend_from_slice(b"\"} ");
        let mut bytes = [0; 32];
        bytes[..text.len()].copy_from_slice(&text);
        Self { bytes, length: text.len() }
    }
}

/// Writes the value of `le` or `quantile`: OpenMetrics wants a point or an exponent in it.
fn write_bound(out: &mut Vec<u8>, format: Format, bound: f64) {
    if format != Format::OpenMetrics {
        return write_float(out, bound);
    }
    let from = out.len();
    write_float_go(out, bound);
    if bound.is_finite() && !out[from..].iter().any(|byte| matches!(byte, b'.' | b'e')) {
        out.extend_from_slice(b".0");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_bounds_are_written_whole() {
        let check = |bound: f64, format: Format, expected: &str| {
            let mut encoder = Encoder::new(format);
            encoder.bound(&BoundText::new(bound, format));
            assert_eq!(String::from_utf8_lossy(encoder.as_bytes()), format!("{expected}\"}} "));
        };
        check(-f64::MAX, Format::Text, "-1.7976931348623157e+308");
        check(-f64::MAX, Format::OpenMetrics, "-1.7976931348623157e+308");
        check(-1.234_567_890_123_456_7e-5, Format::Text, "-0.000012345678901234568");
        check(-1.234_567_890_123_456_7e-4, Format::OpenMetrics, "-0.00012345678901234567");
        check(-1e15, Format::Text, "-1000000000000000");
        check(5.0, Format::OpenMetrics, "5.0");
        check(f64::INFINITY, Format::Text, "+Inf");
    }
}
