//! The operations that every library performs for the benches.

use anyhow::Result;
use prompush_core::Format;

use crate::workload::{
    Workload, borrowed, counter_labels, counter_value, gauge_value, observations, pair_labels,
};

/// A metrics library with three families: counters, gauges and histograms, see
/// [`workload`](crate::workload).
///
/// The operations are `inline`, so that a loop around one is compiled for that library alone.
pub trait Peer: Send + Sync + Sized + 'static {
    /// The package.
    const NAME: &'static str;

    /// What its text is to be read as.
    const FORMAT: Format;

    /// What an encode writes to, kept for the next time.
    type Buffer: Default + Send;

    /// What is kept of a counter in order to record without looking it up.
    type Counter: Send + Sync;

    /// What is kept of a histogram in order to record without looking it up.
    type Histogram: Send + Sync;

    /// A registry with the families, and no series.
    ///
    /// # Errors
    /// If the library refuses one.
    fn new() -> Result<Self>;

    /// Looks up the counter, or creates it, and adds.
    fn add_by_labels(&self, labels: [&str; 3], amount: u64);

    /// Looks up the gauge, or creates it, and sets it.
    fn set_gauge(&self, labels: [&str; 2], value: f64);

    /// Looks up the counter, or creates it, and keeps it.
    fn counter(&self, labels: [&str; 3]) -> Self::Counter;

    /// Adds 1 to a counter that was kept.
    fn inc(&self, counter: &Self::Counter);

    /// Looks up the histogram, or creates it, and keeps it.
    fn histogram(&self, labels: [&str; 2]) -> Self::Histogram;

    /// Observes on a histogram that was kept.
    fn observe(&self, histogram: &Self::Histogram, value: f64);

    /// Writes everything as text, in place of what `buffer` had.
    ///
    /// # Errors
    /// If the library cannot.
    fn encode_text<'b>(&self, buffer: &'b mut Self::Buffer) -> Result<&'b [u8]>;

    /// Whether there is an encoder of delimited `io.prometheus.client.MetricFamily`.
    const HAS_PROTOBUF: bool = false;

    /// What a protobuf encode writes to, kept for the next time.
    type ProtobufBuffer: Default + Send;

    /// Writes everything as delimited protobuf, in place of what `buffer` had.
    ///
    /// # Errors
    /// If the library cannot; always, unless [`HAS_PROTOBUF`](Self::HAS_PROTOBUF).
    fn encode_protobuf<'b>(&self, _buffer: &'b mut Self::ProtobufBuffer) -> Result<&'b [u8]> {
        anyhow::bail!("`{}` has no protobuf encoder", Self::NAME)
    }

    /// Does what the library put off while recording; between measurements, never within one.
    fn run_upkeep(&self) {}

    /// The registry with the series of a workload.
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
