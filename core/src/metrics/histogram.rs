//! Histograms with classic buckets.

use std::sync::Arc;

use crate::counter::add;
use crate::encoder::{BoundText, Encoder, SeriesWriter};
use crate::error::RegistryError;
use crate::exposition::MetricType;
use crate::format::Format;
use crate::metric_kind::MetricKind;
use crate::metric_kind::sealed::{FamilyType, Sealed};
use crate::sync::Ordering::Relaxed;
use crate::sync::{AtomicU64, AtomicUsize, NO_THREAD, OnceLock, thread_number};

/// The upper bounds of a histogram's buckets, without `+Inf`, which every histogram has.
#[derive(Clone, Debug)]
pub struct Buckets(Arc<Bounds>);

#[derive(Debug)]
struct Bounds {
    /// Invariant: finite and strictly increasing.
    upper: Box<[f64]>,
    /// What follows `le="`, for each bound and then `+Inf`: `0.5"} `.
    text: Box<[BoundText]>,
    openmetrics: Box<[BoundText]>,
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
            let bounds = upper.iter().copied().chain([f64::INFINITY]);
            bounds.map(|bound| BoundText::new(bound, format)).collect()
        };
        let (text, openmetrics) = (render(Format::Text), render(Format::OpenMetrics));
        Self(Arc::new(Bounds { upper: upper.into(), text, openmetrics }))
    }

    /// The bucket that `value` falls into: the first whose bound is not below it.
    #[inline]
    fn find(&self, value: f64) -> usize {
        /// Up to here it is faster to compare with every bound, without a branch, than to search.
        const COMPARE_ALL_MAX: usize = 32;
        let upper = &self.0.upper;
        if value.is_nan() {
            upper.len()
        } else if upper.len() <= COMPARE_ALL_MAX {
            upper.iter().map(|bound| usize::from(*bound < value)).sum()
        } else {
            upper.partition_point(|bound| *bound < value)
        }
    }

    fn bound_texts(&self, format: Format) -> &[BoundText] {
        if format == Format::OpenMetrics { &self.0.openmetrics } else { &self.0.text }
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
    /// The number of the thread that records to `own`: the first one that recorded.
    owner: AtomicUsize,
    /// Written by one thread only, which so needs no operation that reads and writes at once:
    /// those cost several times what all the rest does.
    own: Shard,
    /// Made when a second thread records.
    shared: OnceLock<Shared>,
}

/// Where the threads record that are not the owner.
#[derive(Debug)]
struct Shared {
    first: Shard,
    /// Made when two of them are seen to record at the same time; from then on each has its own
    /// shard, as far as there are enough.
    more: OnceLock<Box<[Shard]>>,
}

/// How many shards are shared once threads meet in the first; a power of two.
const SHARED_MAX: usize = 8;

/// Counts and a sum that are part of the histogram's.
///
/// The number at 0 is the sum, as bits; the others count how many observations fell into each
/// bucket alone, `+Inf` last. There is no counter of all observations: it is the sum of these, so
/// that the count and the `+Inf` bucket are equal in every snapshot.
#[derive(Debug)]
struct Shard(Box<[Line]>);

const LINE_LENGTH: usize = 16;

/// What one processor takes from another when it writes: two cache lines, because they are
/// fetched in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Line([AtomicU64; LINE_LENGTH]);

impl Shard {
    fn new(buckets: &Buckets) -> Self {
        let numbers = buckets.0.upper.len() + 2;
        Self(std::iter::repeat_with(Line::default).take(numbers.div_ceil(LINE_LENGTH)).collect())
    }

    #[inline]
    fn sum(&self) -> &AtomicU64 {
        &self.0[0].0[0]
    }

    #[inline]
    fn count(&self, bucket: usize) -> &AtomicU64 {
        let at = bucket + 1;
        &self.0[at / LINE_LENGTH].0[at % LINE_LENGTH]
    }
}

impl Histogram {
    /// Records `value`; NaN counts in the `+Inf` bucket and makes the sum NaN.
    #[inline]
    pub fn observe(&self, value: f64) {
        let counts = &*self.0;
        let bucket = counts.buckets.find(value);
        // `Relaxed`: a snapshot may see an observation's bucket and not yet its sum.
        if counts.is_owned() {
            let (count, sum) = (counts.own.count(bucket), counts.own.sum());
            count.store(count.load(Relaxed) + 1, Relaxed);
            sum.store((f64::from_bits(sum.load(Relaxed)) + value).to_bits(), Relaxed);
        } else {
            let shared = || Shared { first: Shard::new(&counts.buckets), more: OnceLock::new() };
            counts.shared.get_or_init(shared).observe(bucket, value, &counts.buckets);
        }
    }

    /// How many values were recorded.
    pub fn count(&self) -> u64 {
        (0..=self.0.buckets.0.upper.len()).map(|bucket| self.count_of(bucket)).sum()
    }

    /// The sum of the values that were recorded.
    pub fn sum(&self) -> f64 {
        self.shards().map(|shard| f64::from_bits(shard.sum().load(Relaxed))).sum()
    }

    /// How many values fell into one bucket alone.
    fn count_of(&self, bucket: usize) -> u64 {
        self.shards().map(|shard| shard.count(bucket).load(Relaxed)).sum()
    }

    fn shards(&self) -> impl Iterator<Item = &Shard> {
        let shared = self.0.shared.get().into_iter();
        std::iter::once(&self.0.own).chain(shared.flat_map(|shared| {
            let more = shared.more.get().map(|more| &more[..]).unwrap_or_default();
            std::iter::once(&shared.first).chain(more)
        }))
    }
}

impl Counts {
    /// Whether the shard `own` is this thread's; the first that asks gets it.
    #[inline]
    fn is_owned(&self) -> bool {
        let me = thread_number();
        // `Relaxed`: the number alone is looked at, and a thread sees what it wrote itself.
        match self.owner.load(Relaxed) {
            _ if me == NO_THREAD => false,
            NO_THREAD => self.owner.compare_exchange(NO_THREAD, me, Relaxed, Relaxed).is_ok(),
            owner => owner == me,
        }
    }
}

impl Shared {
    #[inline]
    fn observe(&self, bucket: usize, value: f64, buckets: &Buckets) {
        let shard = self.shard();
        shard.count(bucket).fetch_add(1, Relaxed);
        let old = shard.sum().load(Relaxed);
        let new = (f64::from_bits(old) + value).to_bits();
        if shard.sum().compare_exchange(old, new, Relaxed, Relaxed).is_err() {
            self.meet(shard, value, buckets);
        }
    }

    /// The shard of this thread.
    #[inline]
    fn shard(&self) -> &Shard {
        match self.more.get() {
            None => &self.first,
            Some(more) => match thread_number() % SHARED_MAX {
                0 => &self.first,
                number => &more[number - 1],
            },
        }
    }

    /// Another thread wrote the same sum just now.
    #[cold]
    fn meet(&self, shard: &Shard, value: f64, buckets: &Buckets) {
        add(shard.sum(), value);
        let shards = || std::iter::repeat_with(|| Shard::new(buckets));
        self.more.get_or_init(|| shards().take(SHARED_MAX - 1).collect());
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
        Self(Arc::new(Counts {
            buckets: buckets.clone(),
            owner: AtomicUsize::new(NO_THREAD),
            own: Shard::new(buckets),
            shared: OnceLock::new(),
        }))
    }

    fn encode(&self, name: &str, text: &[u8], encoder: &mut Encoder) {
        let mut cumulative = 0;
        let bounds = self.0.buckets.bound_texts(encoder.format());
        for (bucket, bound) in bounds.iter().enumerate() {
            cumulative += self.count_of(bucket);
            encoder.raw(text);
            encoder.bound(bound);
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

    fn encode_protobuf(&self, series: SeriesWriter<'_>) {
        let bounds = self.0.buckets.0.upper.iter().copied().chain([f64::INFINITY]);
        let buckets = bounds.enumerate().map(|(bucket, bound)| (bound, self.count_of(bucket)));
        series.histogram(buckets, self.sum());
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_fall_into_the_bucket_they_belong_to() {
        for bounds in [3, 32, 33, 100] {
            let buckets = Buckets::linear(1.0, 1.0, bounds).unwrap();
            assert_eq!(buckets.find(-1.0), 0);
            assert_eq!(buckets.find(f64::NEG_INFINITY), 0);
            for bound in 0..bounds {
                let upper = buckets.0.upper[bound];
                assert_eq!(buckets.find(upper), bound);
                assert_eq!(buckets.find(upper + 0.5), bound + 1);
            }
            assert_eq!(buckets.find(f64::INFINITY), bounds);
            assert_eq!(buckets.find(f64::NAN), bounds);
        }
    }

    #[test]
    fn nothing_is_lost_when_threads_meet() {
        const THREADS: u64 = 12;
        const EACH: u64 = 20_000;
        let histogram = Histogram::create(&Buckets::new([0.5, 1.5, 2.5]).unwrap());
        std::thread::scope(|scope| {
            for thread in 0..THREADS {
                let histogram = &histogram;
                scope.spawn(move || {
                    for at in 0..EACH {
                        histogram.observe(if (thread + at) % 2 == 0 { 1.0 } else { 2.0 });
                    }
                });
            }
        });
        assert_eq!(histogram.count(), THREADS * EACH);
        assert_eq!(histogram.count_of(1) + histogram.count_of(2), THREADS * EACH);
        assert_eq!(histogram.count_of(1), histogram.count_of(2));
        // Halves are exact in every order of addition.
        assert!((histogram.sum() - 1.5 * 240_000.0).abs() < f64::EPSILON);
    }
}
