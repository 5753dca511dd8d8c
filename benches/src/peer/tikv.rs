//! `prometheus`, of the project `TiKV`.

use anyhow::Result;
use prometheus::{
    Encoder as _, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec,
    Opts, ProtobufEncoder, Registry, TextEncoder,
};
use prompush_core::Format;

use super::library::Peer;
use crate::workload::{
    BUCKETS, COUNTER_LABELS, COUNTER_NAME, GAUGE_NAME, HISTOGRAM_NAME, PAIR_LABELS,
};

/// `prometheus`: vectors of metrics. Its counters of integers are the faster ones.
#[derive(Debug)]
pub struct Tikv {
    registry: Registry,
    counters: IntCounterVec,
    gauges: GaugeVec,
    histograms: HistogramVec,
}

impl Peer for Tikv {
    const NAME: &'static str = "prometheus";
    const FORMAT: Format = Format::Text;
    type Buffer = String;
    type ProtobufBuffer = Vec<u8>;
    type Counter = IntCounter;
    type Histogram = Histogram;

    fn new() -> Result<Self> {
        let registry = Registry::new();
        let counters = IntCounterVec::new(Opts::new(COUNTER_NAME, "Calls."), &COUNTER_LABELS)?;
        let gauges = GaugeVec::new(Opts::new(GAUGE_NAME, "Load."), &PAIR_LABELS)?;
        let options = HistogramOpts::new(HISTOGRAM_NAME, "Requests.").buckets(BUCKETS.into());
        let histograms = HistogramVec::new(options, &PAIR_LABELS)?;
        registry.register(Box::new(counters.clone()))?;
        registry.register(Box::new(gauges.clone()))?;
        registry.register(Box::new(histograms.clone()))?;
        Ok(Self { registry, counters, gauges, histograms })
    }

    #[inline]
    fn add_by_labels(&self, labels: [&str; 3], amount: u64) {
        self.counters.with_label_values(&labels).inc_by(amount);
    }

    #[inline]
    fn set_gauge(&self, labels: [&str; 2], value: f64) {
        self.gauges.with_label_values(&labels).set(value);
    }

    fn counter(&self, labels: [&str; 3]) -> IntCounter {
        self.counters.with_label_values(&labels)
    }

    #[inline]
    fn inc(&self, counter: &IntCounter) {
        counter.inc();
    }

    fn histogram(&self, labels: [&str; 2]) -> Histogram {
        self.histograms.with_label_values(&labels)
    }

    #[inline]
    fn observe(&self, histogram: &Histogram, value: f64) {
        histogram.observe(value);
    }

    fn encode_text<'b>(&self, buffer: &'b mut String) -> Result<&'b [u8]> {
        buffer.clear();
        TextEncoder::new().encode_utf8(&self.registry.gather(), buffer)?;
        Ok(buffer.as_bytes())
    }

    const HAS_PROTOBUF: bool = true;

    fn encode_protobuf<'b>(&self, buffer: &'b mut Vec<u8>) -> Result<&'b [u8]> {
        buffer.clear();
        ProtobufEncoder::new().encode(&self.registry.gather(), buffer)?;
        Ok(buffer)
    }
}
