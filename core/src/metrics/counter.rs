//! Counters.

use std::sync::Arc;

use crate::collect::{Encoder, SeriesWriter};
use crate::exposition::sample_names::TOTAL;
use crate::exposition::{FamilyType, MetricType};
use crate::metrics::Sealed;
use crate::sync::Ordering::Relaxed;
use crate::sync::{AtomicU64, add_f64};

// `Relaxed` is enough in this file: a counter is one word that orders nothing else, and an encode
// may see an increment a little earlier or later.

/// A count that only goes up, in whole numbers. It wraps at 2^64.
///
/// A clone is a handle to the same counter. Recording takes no lock and allocates nothing. In
/// protobuf, counts above 2^53 are rounded to the nearest float.
#[derive(Clone, Debug, Default)]
pub struct Counter(Arc<AtomicU64>);

impl Counter {
    /// Adds 1.
    #[inline]
    pub fn inc(&self) {
        self.inc_by(1);
    }

    /// Adds `amount`.
    #[inline]
    pub fn inc_by(&self, amount: u64) {
        self.0.fetch_add(amount, Relaxed);
    }

    /// The count so far.
    pub fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

impl Sealed for Counter {
    type Config = ();
    const FAMILY_TYPE: FamilyType = FamilyType::Plain(MetricType::Counter);
    const NAME_SUFFIX: &'static str = TOTAL;

    fn create((): &()) -> Self {
        Self::default()
    }

    #[inline]
    fn encode_text(&self, _: &str, prefix: &[u8], encoder: &mut Encoder) {
        encoder.write_number_sample(prefix, &self.get());
    }

    #[inline]
    fn encode_protobuf(&self, series: SeriesWriter<'_>) {
        series.write_number(float(self.get()));
    }
}

/// A sum that only goes up, such as seconds or dollars.
///
/// A clone is a handle to the same counter. Recording takes no lock and allocates nothing.
#[derive(Clone, Debug, Default)]
pub struct CounterF64(Arc<AtomicU64>);

impl CounterF64 {
    /// Adds 1.
    #[inline]
    pub fn inc(&self) {
        self.inc_by(1.0);
    }

    /// Adds `amount`. Ignores a negative amount and NaN, because a counter only goes up.
    #[inline]
    pub fn inc_by(&self, amount: f64) {
        if amount >= 0.0 {
            add_f64(&self.0, amount);
        }
    }

    /// The sum so far.
    pub fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Relaxed))
    }
}

/// The float nearest to a count.
#[expect(clippy::cast_precision_loss, reason = "a counter in protobuf is a float")]
fn float(count: u64) -> f64 {
    count as f64
}

impl Sealed for CounterF64 {
    type Config = ();
    const FAMILY_TYPE: FamilyType = Counter::FAMILY_TYPE;
    const NAME_SUFFIX: &'static str = Counter::NAME_SUFFIX;

    fn create((): &()) -> Self {
        Self::default()
    }

    #[inline]
    fn encode_text(&self, _: &str, prefix: &[u8], encoder: &mut Encoder) {
        encoder.write_number_sample(prefix, &self.get());
    }

    #[inline]
    fn encode_protobuf(&self, series: SeriesWriter<'_>) {
        series.write_number(self.get());
    }
}
