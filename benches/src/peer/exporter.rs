//! `metrics` with `metrics-exporter-prometheus`.

use std::fmt;

use anyhow::Result;
use metrics::{Counter, Histogram, Key, Label, Level, Metadata, Recorder as _};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle, PrometheusRecorder};
use prompush_core::Format;

use super::library::Peer;
use crate::workload::{
    BUCKETS, COUNTER_LABELS, COUNTER_NAME, GAUGE_NAME, HISTOGRAM_NAME, PAIR_LABELS,
};

static METADATA: Metadata<'static> = Metadata::new(module_path!(), Level::INFO, None);

/// `metrics-exporter-prometheus`: the recorder is called directly rather than through the global one.
pub struct MetricsExporter {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
}

impl fmt::Debug for MetricsExporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MetricsExporter")
    }
}

#[inline]
fn key<const N: usize>(name: &'static str, names: [&'static str; N], values: [&str; N]) -> Key {
    let labels = names.into_iter().zip(values);
    let labels: Vec<Label> =
        labels.map(|(name, value)| Label::new(name, value.to_owned())).collect();
    Key::from_parts(name, labels)
}

impl Peer for MetricsExporter {
    const NAME: &'static str = "metrics-exporter-prometheus";
    const FORMAT: Format = Format::Text;
    type Buffer = Vec<u8>;
    type ProtobufBuffer = Vec<u8>;
    type Counter = Counter;
    type Histogram = Histogram;

    fn new() -> Result<Self> {
        let recorder = PrometheusBuilder::new().set_buckets(&BUCKETS)?.build_recorder();
        recorder.describe_counter(COUNTER_NAME.into(), None, "Calls.".into());
        recorder.describe_gauge(GAUGE_NAME.into(), None, "Load.".into());
        recorder.describe_histogram(HISTOGRAM_NAME.into(), None, "Requests.".into());
        Ok(Self { handle: recorder.handle(), recorder })
    }

    #[inline]
    fn add_by_labels(&self, labels: [&str; 3], amount: u64) {
        let key = key(COUNTER_NAME, COUNTER_LABELS, labels);
        self.recorder.register_counter(&key, &METADATA).increment(amount);
    }

    #[inline]
    fn set_gauge(&self, labels: [&str; 2], value: f64) {
        let key = key(GAUGE_NAME, PAIR_LABELS, labels);
        self.recorder.register_gauge(&key, &METADATA).set(value);
    }

    fn counter(&self, labels: [&str; 3]) -> Counter {
        self.recorder.register_counter(&key(COUNTER_NAME, COUNTER_LABELS, labels), &METADATA)
    }

    #[inline]
    fn inc(&self, counter: &Counter) {
        counter.increment(1);
    }

    fn histogram(&self, labels: [&str; 2]) -> Histogram {
        self.recorder.register_histogram(&key(HISTOGRAM_NAME, PAIR_LABELS, labels), &METADATA)
    }

    #[inline]
    fn observe(&self, histogram: &Histogram, value: f64) {
        histogram.record(value);
    }

    fn encode_text<'b>(&self, buffer: &'b mut Vec<u8>) -> Result<&'b [u8]> {
        buffer.clear();
        self.handle.render_to_write(buffer)?;
        Ok(buffer)
    }

    /// The library keeps every observation until this call or an encode.
    fn run_upkeep(&self) {
        self.handle.run_upkeep();
    }
}
