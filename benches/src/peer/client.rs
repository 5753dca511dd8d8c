//! `prometheus-client`.

use std::sync::atomic::AtomicU64;

use anyhow::Result;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use prompush_core::Format;

use super::library::Peer;
use crate::workload::{BUCKETS, GAUGE_NAME, HISTOGRAM_NAME};

/// `prometheus-client`: families whose label sets are derived and own their strings, as a family of that crate
/// requires.
#[derive(Debug)]
pub struct PrometheusClient {
    registry: Registry,
    counters: Family<CallLabels, Counter>,
    gauges: Family<PairLabels, Gauge<f64, AtomicU64>>,
    histograms: Family<PairLabels, Histogram>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    tool: String,
    provider: String,
    success: String,
}

impl From<[&str; 3]> for CallLabels {
    fn from(labels: [&str; 3]) -> Self {
        let [tool, provider, success] = labels.map(str::to_owned);
        Self { tool, provider, success }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PairLabels {
    host: String,
    zone: String,
}

impl From<[&str; 2]> for PairLabels {
    fn from(labels: [&str; 2]) -> Self {
        let [host, zone] = labels.map(str::to_owned);
        Self { host, zone }
    }
}

impl Peer for PrometheusClient {
    const NAME: &'static str = "prometheus-client";
    const FORMAT: Format = Format::OpenMetrics;
    type Buffer = String;
    type ProtobufBuffer = Vec<u8>;
    type Counter = Counter;
    type Histogram = Histogram;

    /// The library itself adds `_total` to the name of a counter and a full stop to a help text.
    fn new() -> Result<Self> {
        let mut registry = Registry::default();
        let (counters, gauges) = (Family::default(), Family::default());
        let histograms =
            Family::<PairLabels, Histogram>::new_with_constructor(|| Histogram::new(BUCKETS));
        registry.register("tool_calls", "Calls", Family::clone(&counters));
        registry.register(GAUGE_NAME, "Load", Family::clone(&gauges));
        registry.register(HISTOGRAM_NAME, "Requests", histograms.clone());
        Ok(Self { registry, counters, gauges, histograms })
    }

    #[inline]
    fn add_by_labels(&self, labels: [&str; 3], amount: u64) {
        self.counters.get_or_create(&labels.into()).inc_by(amount);
    }

    #[inline]
    fn set_gauge(&self, labels: [&str; 2], value: f64) {
        self.gauges.get_or_create(&labels.into()).set(value);
    }

    fn counter(&self, labels: [&str; 3]) -> Counter {
        self.counters.get_or_create_owned(&labels.into())
    }

    #[inline]
    fn inc(&self, counter: &Counter) {
        counter.inc();
    }

    fn histogram(&self, labels: [&str; 2]) -> Histogram {
        self.histograms.get_or_create_owned(&labels.into())
    }

    #[inline]
    fn observe(&self, histogram: &Histogram, value: f64) {
        histogram.observe(value);
    }

    fn encode_text<'b>(&self, buffer: &'b mut String) -> Result<&'b [u8]> {
        buffer.clear();
        encode(buffer, &self.registry)?;
        Ok(buffer.as_bytes())
    }

    #[cfg(feature = "client-protobuf")]
    const HAS_PROTOBUF: bool = true;

    /// The vector is reused; `encode_to_vec` of that crate would create a new one.
    #[cfg(feature = "client-protobuf")]
    fn encode_protobuf<'b>(&self, buffer: &'b mut Vec<u8>) -> Result<&'b [u8]> {
        use prost::Message as _;

        buffer.clear();
        for family in prometheus_client::encoding::prometheus_protobuf::encode(&self.registry)? {
            family.encode_length_delimited(buffer)?;
        }
        Ok(buffer)
    }
}
