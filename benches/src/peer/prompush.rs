//! `prompush`.

use anyhow::Result;
use prompush_core::{Buckets, Counter, Encoder, Family, Format, Gauge, Histogram, LabelNames};

use super::library::Peer;
use crate::workload::{
    BUCKETS, COUNTER_LABELS, COUNTER_NAME, GAUGE_NAME, HISTOGRAM_NAME, PAIR_LABELS,
};

/// `prompush`: families whose label names are given as strings.
#[derive(Debug)]
pub struct Prompush {
    registry: prompush_core::Registry,
    counters: Family<LabelNames<3>, Counter>,
    gauges: Family<LabelNames<2>, Gauge>,
    histograms: Family<LabelNames<2>, Histogram>,
}

impl Prompush {
    /// The registry, for benches that encode it directly.
    pub fn registry(&self) -> &prompush_core::Registry {
        &self.registry
    }
}

impl Peer for Prompush {
    const NAME: &'static str = "prompush";
    const FORMAT: Format = Format::Text;
    type Buffer = Encoder;
    type ProtobufBuffer = ProtobufEncoder;
    type Counter = Counter;
    type Histogram = Histogram;

    fn new() -> Result<Self> {
        let registry = prompush_core::Registry::new();
        Ok(Self {
            counters: registry.counter_family(COUNTER_NAME, "Calls.", COUNTER_LABELS)?,
            gauges: registry.gauge_family(GAUGE_NAME, "Load.", PAIR_LABELS)?,
            histograms: registry.histogram_family(
                HISTOGRAM_NAME,
                "Requests.",
                PAIR_LABELS,
                Buckets::new(BUCKETS)?,
            )?,
            registry,
        })
    }

    #[inline]
    fn add_by_labels(&self, labels: [&str; 3], amount: u64) {
        self.counters.with(labels).inc_by(amount);
    }

    #[inline]
    fn set_gauge(&self, labels: [&str; 2], value: f64) {
        self.gauges.with(labels).set(value);
    }

    fn counter(&self, labels: [&str; 3]) -> Counter {
        self.counters.with(labels).clone()
    }

    #[inline]
    fn inc(&self, counter: &Counter) {
        counter.inc();
    }

    fn histogram(&self, labels: [&str; 2]) -> Histogram {
        self.histograms.with(labels).clone()
    }

    #[inline]
    fn observe(&self, histogram: &Histogram, value: f64) {
        histogram.observe(value);
    }

    fn encode_text<'b>(&self, buffer: &'b mut Encoder) -> Result<&'b [u8]> {
        Ok(buffer.encode(&self.registry)?)
    }

    const HAS_PROTOBUF: bool = true;

    fn encode_protobuf<'b>(&self, buffer: &'b mut ProtobufEncoder) -> Result<&'b [u8]> {
        Ok(buffer.0.encode(&self.registry)?)
    }
}

/// An encoder that writes protobuf.
#[derive(Debug)]
pub struct ProtobufEncoder(Encoder);

impl Default for ProtobufEncoder {
    fn default() -> Self {
        Self(Encoder::new(Format::Protobuf))
    }
}
