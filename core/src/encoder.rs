//! The encoder: families in, one exposition out.

use std::ops::Range;

use crate::error::EncodeError;
use crate::exposition::{Label, Metric, MetricFamily, MetricType, MetricValue};
use crate::format::Format;
use crate::metric_kind::sealed::FamilyType;
use crate::source::Source;
use crate::text::{write_float, write_float_go, write_help, write_label_value};

/// Writes sources in one exposition format, into a buffer that is kept for the next time.
///
/// Families come out sorted by name, so that the same state gives the same bytes.
///
/// ```
/// use prompush_core::{Encoder, Format, Registry};
///
/// let registry = Registry::new();
/// registry.counter("rows_total", "Rows.")?.inc();
/// let mut encoder = Encoder::new(Format::Text);
/// assert_eq!(
///     encoder.encode(&registry)?,
///     b"# HELP rows_total Rows.\n# TYPE rows_total counter\nrows_total 1\n",
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct Encoder {
    format: Format,
    out: Vec<u8>,
    /// In the order of `out`; after [`encode`](Self::encode) sorted by name.
    chunks: Vec<Chunk>,
    samples: usize,
    /// For reordering, kept for the next time.
    scratch: Vec<u8>,
}

/// The text of one family.
#[derive(Clone, Debug)]
struct Chunk {
    /// Where its name stands in `out`.
    name: Range<usize>,
    start: usize,
    end: usize,
}

impl Encoder {
    /// An encoder for `format` with an empty buffer.
    pub fn new(format: Format) -> Self {
        Self { format, ..Self::default() }
    }

    /// The format it writes.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Encodes `source`, in place of what was encoded before.
    ///
    /// # Errors
    /// [`EncodeError`] if a source cannot be read, or two hold a family of one name.
    pub fn encode(&mut self, source: &(impl Source + ?Sized)) -> Result<&[u8], EncodeError> {
        self.out.clear();
        self.chunks.clear();
        self.samples = 0;
        source.gather(self)?;
        self.close_chunk();
        self.sort()?;
        if self.format == Format::OpenMetrics {
            self.out.extend_from_slice(b"# EOF\n");
        }
        Ok(&self.out)
    }

    /// What was encoded last.
    pub fn as_bytes(&self) -> &[u8] {
        &self.out
    }

    /// How many families were encoded last.
    pub fn families(&self) -> usize {
        self.chunks.len()
    }

    /// How many samples, that is lines with a value, were encoded last.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// The name and the text of each family that was encoded last, sorted by name.
    pub fn chunks(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.chunks.iter().map(|chunk| {
            let name = std::str::from_utf8(&self.out[chunk.name.clone()]).unwrap_or_default();
            (name, &self.out[chunk.start..chunk.end])
        })
    }

    fn close_chunk(&mut self) {
        if let Some(last) = self.chunks.last_mut() {
            last.end = self.out.len();
        }
    }

    fn sort(&mut self) -> Result<(), EncodeError> {
        let Self { out, chunks, scratch, .. } = self;
        let name = |chunk: &Chunk| &out[chunk.name.clone()];
        if !chunks.is_sorted_by(|a, b| name(a) < name(b)) {
            chunks.sort_by(|a, b| name(a).cmp(name(b)));
            if let Some([twice, _]) =
                chunks.windows(2).find(|pair| name(&pair[0]) == name(&pair[1]))
            {
                let name = String::from_utf8_lossy(name(twice)).into_owned();
                return Err(EncodeError::DuplicateFamily(name));
            }
            scratch.clear();
            for chunk in chunks.iter_mut() {
                let start = scratch.len();
                scratch.extend_from_slice(&out[chunk.start..chunk.end]);
                let name_start = start + (chunk.name.start - chunk.start);
                chunk.name = name_start..name_start + chunk.name.len();
                (chunk.start, chunk.end) = (start, scratch.len());
            }
            std::mem::swap(out, scratch);
        }
        Ok(())
    }

    /// Begins a family: writes its `# HELP` and `# TYPE`.
    ///
    /// `name` is the family's name in text 0.0.4, `help` empty for none.
    pub(crate) fn family(&mut self, name: &str, help: &str, family_type: FamilyType) {
        self.close_chunk();
        let start = self.out.len();
        let (name, word) = match (self.format, family_type) {
            (Format::Text, FamilyType::Info) => (name, "gauge"),
            (Format::OpenMetrics, FamilyType::Info) => {
                (name.strip_suffix("_info").unwrap_or(name), "info")
            }
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
            match self.format {
                Format::Text => write_help(&mut self.out, help),
                // OpenMetrics escapes quotes in help texts as well.
                Format::OpenMetrics => write_label_value(&mut self.out, help),
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
        self.chunks.push(Chunk { name, start, end: start });
    }

    /// Writes text as it is; a sample's line is made of several pieces.
    #[inline]
    pub(crate) fn raw(&mut self, text: &[u8]) {
        self.out.extend_from_slice(text);
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

    /// Writes a family that came out of a body.
    pub(crate) fn exposition_family(&mut self, family: &MetricFamily<'_>) {
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
        labels: &[Label<'_>],
        bound: Option<(&str, f64)>,
        value: f64,
    ) {
        self.raw(name.as_bytes());
        self.raw(suffix.as_bytes());
        let mut before = b"{";
        for label in labels {
            self.raw(before);
            self.raw(label.name.as_bytes());
            self.raw(b"=\"");
            write_label_value(&mut self.out, &label.value);
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

/// Writes the value of `le` or `quantile`: OpenMetrics wants a point or an exponent in it.
pub(crate) fn write_bound(out: &mut Vec<u8>, format: Format, bound: f64) {
    match format {
        Format::Text => write_float(out, bound),
        Format::OpenMetrics => {
            let from = out.len();
            write_float_go(out, bound);
            if bound.is_finite() && !out[from..].iter().any(|byte| matches!(byte, b'.' | b'e')) {
                out.extend_from_slice(b".0");
            }
        }
    }
}
