//! Gauges.

use std::sync::Arc;

use crate::collect::{Encoder, SeriesWriter};
use crate::exposition::{FamilyType, MetricType};
use crate::metrics::Sealed;
use crate::sync::Ordering::Relaxed;
use crate::sync::{AtomicU64, add_f64};

/// A value that goes up and down.
///
/// A clone is a handle to the same gauge. Recording takes no lock and allocates nothing.
#[derive(Clone, Debug, Default)]
pub struct Gauge(Arc<AtomicU64>);

impl Gauge {
    /// Sets the value.
    #[inline]
    pub fn set(&self, value: f64) {
        // `Relaxed`: the gauge is one word that orders nothing else.
        self.0.store(value.to_bits(), Relaxed);
    }

    /// Adds 1.
    #[inline]
    pub fn inc(&self) {
        self.add(1.0);
    }

    /// Subtracts 1.
    #[inline]
    pub fn dec(&self) {
        self.add(-1.0);
    }

    /// Adds `amount`.
    #[inline]
    pub fn add(&self, amount: f64) {
        add_f64(&self.0, amount);
    }

    /// Subtracts `amount`.
    #[inline]
    pub fn sub(&self, amount: f64) {
        self.add(-amount);
    }

    /// The value.
    pub fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Relaxed))
    }
}

impl Sealed for Gauge {
    type Config = ();
    const FAMILY_TYPE: FamilyType = FamilyType::Plain(MetricType::Gauge);

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
