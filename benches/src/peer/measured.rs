//! `measured`.

use std::fmt;

use ::measured::metric::LabelId;
use ::measured::metric::histogram::Thresholds;
use ::measured::text::TextEncoder;
use ::measured::{CounterVec, FloatGaugeVec, HistogramVec, LabelGroup, MetricGroup};
use anyhow::Result;
use paracord::ParaCord;
use prompush_core::Format;

use super::library::Peer;
use crate::workload::BUCKETS;

/// `measured`: `paracord` interns the label values, because they are not known at compile time.
pub struct Measured(Metrics);

#[derive(MetricGroup)]
struct Metrics {
    /// Calls.
    tool_calls_total: CounterVec<CallSet>,
    /// Load.
    load_ratio: FloatGaugeVec<PairSet>,
    /// Requests.
    request_seconds: HistogramVec<PairSet, { BUCKETS.len() }>,
}

#[derive(Clone, Copy, LabelGroup)]
#[label(set = CallSet)]
struct CallLabels<'a> {
    #[label(dynamic_with = ParaCord)]
    tool: &'a str,
    #[label(dynamic_with = ParaCord)]
    provider: &'a str,
    #[label(dynamic_with = ParaCord)]
    success: &'a str,
}

#[derive(Clone, Copy, LabelGroup)]
#[label(set = PairSet)]
struct PairLabels<'a> {
    #[label(dynamic_with = ParaCord)]
    host: &'a str,
    #[label(dynamic_with = ParaCord)]
    zone: &'a str,
}

#[inline]
fn call([tool, provider, success]: [&str; 3]) -> CallLabels<'_> {
    CallLabels { tool, provider, success }
}

fn pair_set() -> PairSet {
    PairSet { host: ParaCord::default(), zone: ParaCord::default() }
}

/// The identifier of a counter. The library has no handles, and looks the counter up by its identifier.
pub struct CounterId(LabelId<CallSet>);

/// The identifier of a histogram.
pub struct HistogramId(LabelId<PairSet>);

macro_rules! opaque {
    ($($type:ident)*) => {$(
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($type))
            }
        }
    )*};
}
opaque!(Measured CounterId HistogramId);

impl Peer for Measured {
    const NAME: &'static str = "measured";
    const FORMAT: Format = Format::Text;
    type Buffer = Vec<u8>;
    type ProtobufBuffer = Vec<u8>;
    type Counter = CounterId;
    type Histogram = HistogramId;

    fn new() -> Result<Self> {
        let calls = CallSet {
            tool: ParaCord::default(),
            provider: ParaCord::default(),
            success: ParaCord::default(),
        };
        Ok(Self(Metrics {
            tool_calls_total: CounterVec::with_label_set(calls),
            load_ratio: FloatGaugeVec::with_label_set(pair_set()),
            request_seconds: HistogramVec::with_label_set_and_metadata(
                pair_set(),
                Thresholds::with_buckets(BUCKETS),
            ),
        }))
    }

    #[inline]
    fn add_by_labels(&self, labels: [&str; 3], amount: u64) {
        self.0.tool_calls_total.inc_by(call(labels), amount);
    }

    #[inline]
    fn set_gauge(&self, [host, zone]: [&str; 2], value: f64) {
        self.0.load_ratio.set(PairLabels { host, zone }, value);
    }

    fn counter(&self, labels: [&str; 3]) -> CounterId {
        CounterId(self.0.tool_calls_total.with_labels(call(labels)))
    }

    #[inline]
    fn inc(&self, counter: &CounterId) {
        self.0.tool_calls_total.get_metric(counter.0).inc();
    }

    fn histogram(&self, [host, zone]: [&str; 2]) -> HistogramId {
        HistogramId(self.0.request_seconds.with_labels(PairLabels { host, zone }))
    }

    #[inline]
    fn observe(&self, histogram: &HistogramId, value: f64) {
        self.0.request_seconds.get_metric(histogram.0).observe(value);
    }

    fn encode_text<'b>(&self, buffer: &'b mut Vec<u8>) -> Result<&'b [u8]> {
        buffer.clear();
        let mut encoder = TextEncoder::new(&mut *buffer);
        self.0.collect_group_into(&mut encoder)?;
        encoder.flush()?;
        Ok(buffer)
    }
}
