//! Histograms with classic buckets.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::counter::add;
use crate::encoder::{Encoder, write_bound};
use crate::error::RegistryError;
use crate::exposition::MetricType;
use crate::format::Format;
use crate::metric_kind::MetricKind;
use crate::metric_kind::sealed::{FamilyType, Sealed};

/// The upper bounds of a histogram's buckets, without `+Inf`, which every histogram has.
#[derive(Clone, Debug)]
pub struct Buckets(Arc<Bounds>);

#[derive(Debug)]
struct Bounds {
    /// Invariant: finite and strictly increasing.
    upper: Box<[f64]>,
    /// What follows `le="`, for each bound and then `+Inf`: `0.5"} `.
    text: Box<[Box<str>]>,
    openmetrics: Box<[Box<str>]>,
}

impl Default for Buckets {
    /// 5 ms to 10 s, the bounds that Prometheus's clients have in common.
    fn default() -> Self {
        const SECONDS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
        Self::from_valid(SECONDS.into())
    }
}

impl Buckets {
    /// Buckets with these upper bounds; a `+Inf` at the end is allowed and changes nothing.
    ///
    /// # Errors
    /// [`RegistryError::Buckets`] unless the bounds are finite and strictly increasing.
    pub fn new(bounds: impl IntoIterator<Item = f64>) -> Result<Self, RegistryError> {
        let mut upper: Vec<f64> = bounds.into_iter().collect();
        upper.pop_if(|last| *last == f64::INFINITY);
        if !upper.iter().all(|bound| bound.is_finite()) {
            return Err(RegistryError::Buckets("must be finite; `+Inf` is added by itself"));
        }
        if !upper.is_sorted_by(|a, b| a < b) {
            return Err(RegistryError::Buckets("must be strictly increasing"));
        }
        Ok(Self::from_valid(upper))
    }

    /// `count` bounds from `start` on, each `factor` times the one before.
    ///
    /// # Errors
    /// [`RegistryError::Buckets`] unless `start` is positive and `factor` greater than 1.
    pub fn exponential(start: f64, factor: f64, count: usize) -> Result<Self, RegistryError> {
        let next = |bound: &f64| Some(bound * factor);
        Self::new(std::iter::successors(Some(start), next).take(count))
    }

    /// `count` bounds from `start` on, each `width` more than the one before.
    ///
    /// # Errors
    /// [`RegistryError::Buckets`] unless `width` is positive.
    pub fn linear(start: f64, width: f64, count: usize) -> Result<Self, RegistryError> {
        let next = |bound: &f64| Some(bound + width);
        Self::new(std::iter::successors(Some(start), next).take(count))
    }

    fn from_valid(upper: Vec<f64>) -> Self {
        let render = |format| {
            let mut texts = Vec::new();
            for bound in upper.iter().copied().chain([f64::INFINITY]) {
                let mut text = Vec::new();
                write_bound(&mut text, format, bound);
                text.extend_from_slice(b"\"} ");
                texts.push(String::from_utf8_lossy(&text).into());
            }
            texts.into_boxed_slice()
        };
        let (text, openmetrics) = (render(Format::Text), render(Format::OpenMetrics));
        Self(Arc::new(Bounds { upper: upper.into(), text, openmetrics }))
    }

    fn lines(&self, format: Format) -> &[Box<str>] {
        match format {
            Format::Text => &self.0.text,
            Format::OpenMetrics => &self.0.openmetrics,
        }
    }
}

/// Observations counted in buckets.
///
/// A clone is a handle to the same histogram: recording takes no lock and allocates nothing.
#[derive(Clone, Debug)]
pub struct Histogram(Arc<Counts>);

#[derive(Debug)]
struct Counts {
    buckets: Buckets,
    /// How many observations fell into each bucket alone, `+Inf` last.
    ///
    /// There is no counter of all observations: it is the sum of these, so that the count and
    /// the `+Inf` bucket are equal in every snapshot.
    by_bucket: Box<[AtomicU64]>,
    /// The bits of the sum of all observations.
    sum: AtomicU64,
}

impl Histogram {
    /// Records `value`; NaN counts in the `+Inf` bucket and makes the sum NaN.
    #[inline]
    pub fn observe(&self, value: f64) {
        let upper = &self.0.buckets.0.upper;
        let bucket = if value.is_nan() {
            upper.len()
        } else {
            upper.partition_point(|bound| *bound < value)
        };
        // `Relaxed`: a snapshot may see an observation's bucket and not yet its sum.
        self.0.by_bucket[bucket].fetch_add(1, Relaxed);
        add(&self.0.sum, value);
    }

    /// How many values were recorded.
    pub fn count(&self) -> u64 {
        self.0.by_bucket.iter().map(|count| count.load(Relaxed)).sum()
    }

    /// The sum of the values that were recorded.
    pub fn sum(&self) -> f64 {
        f64::from_bits(self.0.sum.load(Relaxed))
    }
}

impl MetricKind for Histogram {}

impl Sealed for Histogram {
    type Config = Buckets;
    const FAMILY_TYPE: FamilyType = FamilyType::Plain(MetricType::Histogram);
    const NAME_SUFFIX: &'static str = "";
    const TEXT_SUFFIX: &'static str = "_bucket";
    const HAS_BUCKETS: bool = true;

    fn create(buckets: &Buckets) -> Self {
        let by_bucket = (0..=buckets.0.upper.len()).map(|_| AtomicU64::new(0)).collect();
        Self(Arc::new(Counts { buckets: buckets.clone(), by_bucket, sum: AtomicU64::new(0) }))
    }

    fn encode(&self, name: &str, text: &[u8], encoder: &mut Encoder) {
        let mut cumulative = 0;
        let lines = self.0.buckets.lines(encoder.format());
        for (count, line) in self.0.by_bucket.iter().zip(lines) {
            cumulative += count.load(Relaxed);
            encoder.raw(text);
            encoder.raw(line.as_bytes());
            encoder.end_integer(cumulative);
        }
        // The text is `name_bucket{labels,le="`, or `name_bucket{le="` without labels.
        let begin = name.len() + "_bucket{".len();
        let labels = text.get(begin..).and_then(|rest| rest.strip_suffix(b",le=\""));
        let labels = labels.unwrap_or_default();
        begin_line(encoder, name, "_sum", labels);
        encoder.end_float(self.sum());
        begin_line(encoder, name, "_count", labels);
        encoder.end_integer(cumulative);
    }
}

fn begin_line(encoder: &mut Encoder, name: &str, suffix: &str, labels: &[u8]) {
    encoder.raw(name.as_bytes());
    encoder.raw(suffix.as_bytes());
    if labels.is_empty() {
        encoder.raw(b" ");
    } else {
        encoder.raw(b"{");
        encoder.raw(labels);
        encoder.raw(b"} ");
    }
}
