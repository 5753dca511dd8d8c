//! Families in the text formats: text 0.0.4 and OpenMetrics.

use crate::collect::encoder::{Encoder, FamilySpan};
use crate::exposition::sample_names::{TOTAL, without_info, without_total};
use crate::exposition::text::{
    Bound, BoundText, WriteNumber, write_help, write_histogram, write_label_value, write_labels,
    write_metric, write_sample, write_summary,
};
use crate::exposition::{FamilyType, Format, MetricFamily, MetricType, MetricValue};

impl Encoder {
    /// Begins a family: writes its `# HELP` and `# TYPE` lines.
    ///
    /// `name` is the family's name in text 0.0.4. An empty `help` leaves the `# HELP` line out.
    pub(crate) fn begin_text_family(&mut self, name: &str, help: &str, family_type: FamilyType) {
        self.end_family();
        let start = self.out.len();
        let (name, type_name) = match (self.format, family_type) {
            (Format::OpenMetrics, FamilyType::Info) => (without_info(name), "info"),
            (_, FamilyType::Info) => (name, "gauge"),
            (Format::OpenMetrics, FamilyType::Plain(MetricType::Counter)) => {
                (without_total(name), "counter")
            }
            (Format::OpenMetrics, FamilyType::Plain(MetricType::Untyped)) => (name, "unknown"),
            (_, FamilyType::Plain(plain)) => (name, plain.as_str()),
        };
        if !help.is_empty() {
            self.out.extend_from_slice(b"# HELP ");
            self.out.extend_from_slice(name.as_bytes());
            self.out.push(b' ');
            if self.format == Format::OpenMetrics {
                // OpenMetrics escapes quotes in help texts too, so a help text is like a label value.
                write_label_value(&mut self.out, help);
            } else {
                write_help(&mut self.out, help);
            }
            self.out.push(b'\n');
        }
        self.out.extend_from_slice(b"# TYPE ");
        let name_start = self.out.len();
        self.out.extend_from_slice(name.as_bytes());
        let name = name_start..self.out.len();
        self.out.push(b' ');
        self.out.extend_from_slice(type_name.as_bytes());
        self.out.push(b'\n');
        self.family_spans.push(FamilySpan { name, start, end: start, length_width: 0 });
    }

    /// Writes the only sample of a counter, gauge or info. `prefix` is the text before the value.
    #[inline]
    pub(crate) fn write_number_sample(&mut self, prefix: &[u8], value: &impl WriteNumber) {
        self.out.extend_from_slice(prefix);
        value.write_number(&mut self.out);
        self.out.push(b'\n');
        self.samples += 1;
    }

    /// Writes all samples of a histogram: `buckets` are the bounds, `+Inf` last, each with its
    /// cumulative count. The histogram's count is the last bucket's.
    #[inline]
    pub(crate) fn write_histogram_samples<'b>(
        &mut self,
        name: &str,
        labels: &[u8],
        buckets: impl Iterator<Item = (&'b BoundText, u64)>,
        sum: f64,
    ) {
        let count = |last: Option<u64>| last.unwrap_or_default();
        let written = write_histogram(&mut self.out, name, labels, buckets, &sum, count);
        self.samples += written.count;
    }

    /// Writes all samples of a summary without quantiles.
    pub(crate) fn write_summary_samples(
        &mut self,
        name: &str,
        labels: &[u8],
        sum: f64,
        count: u64,
    ) {
        let quantiles = std::iter::empty::<(f64, f64)>();
        let written = write_summary(&mut self.out, name, labels, quantiles, &sum, &count);
        self.samples += written.count;
    }

    /// Writes a family that was read from a body.
    pub(crate) fn write_text_family(&mut self, family: &MetricFamily<'_>) {
        let help = family.help.as_deref().unwrap_or_default();
        self.begin_text_family(&family.name, help, FamilyType::Plain(family.metric_type));
        let format = self.format;
        let must_end_in_total = format == Format::OpenMetrics
            && family.metric_type == MetricType::Counter
            && !family.name.ends_with(TOTAL);
        let mut labels = Vec::new();
        for metric in &family.metrics {
            labels.clear();
            write_labels(&mut labels, &metric.labels);
            match &metric.value {
                MetricValue::Number(value) if must_end_in_total => {
                    write_sample(&mut self.out, &family.name, TOTAL, &labels, value);
                    self.samples += 1;
                }
                value => {
                    let bound = |value| Bound { value, format };
                    let out = &mut self.out;
                    let written = write_metric(out, &family.name, &labels, value, |n| n, bound);
                    self.samples += written.count;
                }
            }
        }
    }
}
