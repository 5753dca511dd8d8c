//! The operations that every library performs for the benches.

use anyhow::Result;
use prompush_core::Format;

use crate::workload::{
    Workload, borrowed, counter_labels, counter_value, gauge_value, observations, pair_labels,
};

/// A metrics library with three families: the counters, gauges and histograms of [`workload`](crate::workload).
///
/// The operations are `inline`, so that a loop around an operation is compiled for that library alone.
pub trait Peer: Send + Sync + Sized + 'static {
    /// The name of the package.
    const NAME: &'static str;

    /// The format of the text output.
    const FORMAT: Format;

    /// The buffer of an encode, which is reused.
    type Buffer: Default + Send;

    /// A handle of a counter, which records without a lookup.
    type Counter: Send + Sync;

    /// A handle of a histogram, which records without a lookup.
    type Histogram: Send + Sync;

    /// Creates a registry with the families and without series.
    ///
    /// # Errors
    /// When the library refuses a family.
    fn new() -> Result<Self>;

    /// Looks up or creates the counter, and adds `amount`.
    fn add_by_labels(&self, labels: [&str; 3], amount: u64);

    /// Looks up or creates the gauge, and sets its value.
    fn set_gauge(&self, labels: [&str; 2], value: f64);

    /// Looks up or creates the counter, and returns a handle.
    fn counter(&self, labels: [&str; 3]) -> Self::Counter;

    /// Adds 1 through a handle.
    fn inc(&self, counter: &Self::Counter);

    /// Looks up or creates the histogram, and returns a handle.
    fn histogram(&self, labels: [&str; 2]) -> Self::Histogram;

    /// Observes a value through a handle.
    fn observe(&self, histogram: &Self::Histogram, value: f64);

    /// Writes everything as text. The content of `buffer` is replaced.
    ///
    /// # Errors
    /// When the library fails to encode.
    fn encode_text<'b>(&self, buffer: &'b mut Self::Buffer) -> Result<&'b [u8]>;

    /// Whether the library has an encoder of delimited `io.prometheus.client.MetricFamily`.
    const HAS_PROTOBUF: bool = false;

    /// The buffer of a protobuf encode, which is reused.
    type ProtobufBuffer: Default + Send;

    /// Writes everything as delimited protobuf. The content of `buffer` is replaced.
    ///
    /// # Errors
    /// When the library fails to encode; always, unless [`HAS_PROTOBUF`](Self::HAS_PROTOBUF).
    fn encode_protobuf<'b>(&self, _buffer: &'b mut Self::ProtobufBuffer) -> Result<&'b [u8]> {
        anyhow::bail!("`{}` has no protobuf encoder", Self::NAME)
    }

    /// Does the work that the library puts off while recording. The benches call this between measurements.
    fn run_upkeep(&self) {}

    /// Creates a registry with the series of a workload.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    fn filled(workload: Workload) -> Result<Self> {
        let peer = Self::new()?;
        for at in 0..workload.counters {
            peer.add_by_labels(borrowed(&counter_labels(at)), counter_value(at));
        }
        for at in 0..workload.gauges {
            peer.set_gauge(borrowed(&pair_labels(at)), gauge_value(at));
        }
        for at in 0..workload.histograms {
            let histogram = peer.histogram(borrowed(&pair_labels(at)));
            observations().for_each(|value| peer.observe(&histogram, value));
        }
        peer.run_upkeep();
        Ok(peer)
    }
}
