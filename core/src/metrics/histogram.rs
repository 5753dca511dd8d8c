//! Histograms with classic buckets.

use std::sync::Arc;

use crate::collect::{Encoder, SeriesWriter};
use crate::exposition::{FamilyType, MetricType};
use crate::metrics::{Buckets, Sealed, labels_in};
use crate::sync::Ordering::Relaxed;
use crate::sync::{AtomicU64, AtomicUsize, NO_THREAD, OnceLock, add_f64, thread_number};

/// Observations counted in buckets.
///
/// A clone is a handle to the same histogram. Recording takes no lock, and allocates only when a
/// further thread records to the histogram for the first time.
///
/// ```
/// use prompush_core::{Buckets, Registry};
///
/// let registry = Registry::new();
/// let seconds = registry.histogram("step_duration_seconds", "Steps.", Buckets::default())?;
/// seconds.observe(0.25);
/// assert_eq!((seconds.count(), seconds.sum()), (1, 0.25));
/// # Ok::<(), prompush_core::RegistryError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Histogram(Arc<HistogramState>);

/// The state that all handles of one histogram share.
///
/// The observations are spread over shards, so that threads do not write to the same memory. Most
/// histograms are recorded to by a single thread. So the first thread that records owns a shard of
/// its own, and all other threads share the rest.
#[derive(Debug)]
struct HistogramState {
    buckets: Buckets,
    /// The number of the thread that owns `owner_shard`: the first thread that recorded.
    owner: AtomicUsize,
    /// Written by the owner only. So a load and a store are enough to count; an atomic
    /// read-modify-write would cost several times as much as all the rest of an observation.
    owner_shard: Shard,
    /// Made when a second thread records.
    shared: OnceLock<SharedShards>,
}

/// The shards of all threads but the owner.
#[derive(Debug)]
struct SharedShards {
    first: Shard,
    /// Made when two threads are seen to record at the same time. From then on the
    /// number of a thread selects its shard. Threads share a shard when their numbers are equal modulo `SHARED_MAX`.
    more: OnceLock<Box<[Shard]>>,
}

/// The number of shared shards once threads have collided in the first one. A power of two.
const SHARED_MAX: usize = 8;

/// A part of the histogram's counts and of its sum.
///
/// The number at index 0 is the sum, as the bits of a float. The number at index `b + 1` counts the
/// observations that fell into bucket `b` alone; the bucket `+Inf` is the last one. No number counts
/// all observations. Their count is the sum of the buckets, so that the count and the `+Inf` bucket
/// are equal in every encode.
#[derive(Debug)]
struct Shard(Box<[CacheLines]>);

/// The number of atomics in one [`CacheLines`].
const LINE_NUMBERS: usize = 16;

/// Two cache lines. A processor that writes takes both from the other processors, because it
/// fetches cache lines in pairs. So shards on different `CacheLines` do not disturb each other.
#[derive(Debug, Default)]
#[repr(align(128))]
struct CacheLines([AtomicU64; LINE_NUMBERS]);

impl Shard {
    fn new(buckets: &Buckets) -> Self {
        let numbers = buckets.len() + 2;
        Self(
            std::iter::repeat_with(CacheLines::default)
                .take(numbers.div_ceil(LINE_NUMBERS))
                .collect(),
        )
    }

    #[inline]
    fn sum(&self) -> &AtomicU64 {
        &self.0[0].0[0]
    }

    #[inline]
    fn count(&self, bucket: usize) -> &AtomicU64 {
        let at = bucket + 1;
        &self.0[at / LINE_NUMBERS].0[at % LINE_NUMBERS]
    }
}

impl Histogram {
    /// Records `value`. NaN counts in the `+Inf` bucket and makes the sum NaN.
    #[inline]
    pub fn observe(&self, value: f64) {
        let state = &*self.0;
        let bucket = state.buckets.find(value);
        // `Relaxed` is enough: an encode may see an observation in its bucket and not yet in the sum.
        if state.is_owned() {
            let (count, sum) = (state.owner_shard.count(bucket), state.owner_shard.sum());
            count.store(count.load(Relaxed) + 1, Relaxed);
            sum.store((f64::from_bits(sum.load(Relaxed)) + value).to_bits(), Relaxed);
        } else {
            let shared =
                || SharedShards { first: Shard::new(&state.buckets), more: OnceLock::new() };
            state.shared.get_or_init(shared).observe(bucket, value, &state.buckets);
        }
    }

    /// The number of recorded values.
    pub fn count(&self) -> u64 {
        (0..=self.0.buckets.len()).map(|bucket| self.bucket_count(bucket)).sum()
    }

    /// The sum of the recorded values.
    pub fn sum(&self) -> f64 {
        self.shards().map(|shard| f64::from_bits(shard.sum().load(Relaxed))).sum()
    }

    /// The number of values that fell into one bucket alone.
    fn bucket_count(&self, bucket: usize) -> u64 {
        self.shards().map(|shard| shard.count(bucket).load(Relaxed)).sum()
    }

    fn shards(&self) -> impl Iterator<Item = &Shard> {
        let shared = self.0.shared.get().into_iter();
        std::iter::once(&self.0.owner_shard).chain(shared.flat_map(|shared| {
            let more = shared.more.get().map(|more| &more[..]).unwrap_or_default();
            std::iter::once(&shared.first).chain(more)
        }))
    }
}

impl HistogramState {
    /// Whether this thread owns `owner_shard`. The first thread that asks becomes the owner.
    #[inline]
    fn is_owned(&self) -> bool {
        let this_thread = thread_number();
        // `Relaxed` is enough: nothing else depends on the number, and a thread sees its own writes.
        match self.owner.load(Relaxed) {
            _ if this_thread == NO_THREAD => false,
            NO_THREAD => {
                self.owner.compare_exchange(NO_THREAD, this_thread, Relaxed, Relaxed).is_ok()
            }
            owner => owner == this_thread,
        }
    }
}

impl SharedShards {
    #[inline]
    fn observe(&self, bucket: usize, value: f64, buckets: &Buckets) {
        let shard = self.shard();
        shard.count(bucket).fetch_add(1, Relaxed);
        let old = shard.sum().load(Relaxed);
        let new = (f64::from_bits(old) + value).to_bits();
        if shard.sum().compare_exchange(old, new, Relaxed, Relaxed).is_err() {
            self.on_contention(shard, value, buckets);
        }
    }

    /// The shard that this thread records to.
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

    /// Records to `shard`, whose sum another thread has just written, and makes the other shards.
    #[cold]
    fn on_contention(&self, shard: &Shard, value: f64, buckets: &Buckets) {
        add_f64(shard.sum(), value);
        let shards = || std::iter::repeat_with(|| Shard::new(buckets));
        self.more.get_or_init(|| shards().take(SHARED_MAX - 1).collect());
    }
}

impl Sealed for Histogram {
    type Config = Buckets;
    const FAMILY_TYPE: FamilyType = FamilyType::Plain(MetricType::Histogram);
    const RESERVED_LABEL: Option<&'static str> = Some("le");

    fn create(buckets: &Buckets) -> Self {
        Self(Arc::new(HistogramState {
            buckets: buckets.clone(),
            owner: AtomicUsize::new(NO_THREAD),
            owner_shard: Shard::new(buckets),
            shared: OnceLock::new(),
        }))
    }

    fn encode_text(&self, name: &str, prefix: &[u8], encoder: &mut Encoder) {
        let mut cumulative = 0;
        let bounds = self.0.buckets.bound_texts(encoder.format()).iter().enumerate();
        let buckets = bounds.map(|(bucket, bound)| {
            cumulative += self.bucket_count(bucket);
            (bound, cumulative)
        });
        encoder.write_histogram_samples(name, labels_in(name, prefix), buckets, self.sum());
    }

    fn encode_protobuf(&self, series: SeriesWriter<'_>) {
        let bounds = self.0.buckets.with_infinity();
        let buckets = bounds.enumerate().map(|(bucket, bound)| (bound, self.bucket_count(bucket)));
        series.write_histogram(buckets, self.sum());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_observation_is_lost_when_threads_collide() {
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
        assert_eq!(histogram.bucket_count(1) + histogram.bucket_count(2), THREADS * EACH);
        assert_eq!(histogram.bucket_count(1), histogram.bucket_count(2));
        // Halves are exact in every order of addition.
        assert!((histogram.sum() - 1.5 * 240_000.0).abs() < f64::EPSILON);
    }
}
