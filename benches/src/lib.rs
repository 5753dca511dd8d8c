//! The registries that the benches fill, the same in ours and in `prometheus-client`.
//!
//! [`Workload::FULL`] is 3,500 sample lines: 1,000 counters with three labels, 1,000 gauges with
//! two, and 100 histograms with two labels and twelve buckets.
#![forbid(unsafe_code)]

use prometheus_client::metrics::counter::Counter as TheirCounter;
use prometheus_client::metrics::family::Family as TheirFamily;
use prometheus_client::metrics::gauge::Gauge as TheirGauge;
use prometheus_client::metrics::histogram::Histogram as TheirHistogram;
use prometheus_client::registry::Registry as TheirRegistry;
use prompush_core::{Buckets, Counter, Family, LabelNames, Registry, RegistryError};
use std::sync::atomic::AtomicU64;

/// How many series of each type there are.
#[derive(Clone, Copy, Debug)]
pub struct Workload {
    /// Counters with three labels.
    pub counters: u32,
    /// Gauges with two labels.
    pub gauges: u32,
    /// Histograms with two labels and [`BUCKETS`].
    pub histograms: u32,
}

impl Workload {
    /// 3,500 sample lines.
    pub const FULL: Self = Self { counters: 1000, gauges: 1000, histograms: 100 };

    /// Only counters.
    pub const fn counters(counters: u32) -> Self {
        Self { counters, gauges: 0, histograms: 0 }
    }
}

/// The bounds of the histograms; `+Inf` is the thirteenth bucket line.
pub const BUCKETS: [f64; 12] =
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// The label names of the counters.
pub const COUNTER_LABELS: [&str; 3] = ["tool", "provider", "success"];

/// The label values of a counter.
pub fn counter_labels(at: u32) -> [String; 3] {
    [format!("tool-{at}"), format!("provider-{}", at % 7), at.is_multiple_of(2).to_string()]
}

fn pair_labels(at: u32) -> [String; 2] {
    [format!("host-{at}"), format!("zone-{}", at % 5)]
}

/// Our registry, filled.
///
/// # Errors
/// None: the names are fixed.
pub fn ours(workload: Workload) -> Result<Registry, RegistryError> {
    let registry = Registry::new();
    let counters = our_counters(&registry)?;
    for at in 0..workload.counters {
        counters.with(counter_labels(at)).inc_by(u64::from(at) * 17);
    }
    let gauges = registry.gauge_family("load_ratio", "Load.", ["host", "zone"])?;
    for at in 0..workload.gauges {
        gauges.with(pair_labels(at)).set(0.123_456 * f64::from(at));
    }
    let buckets = Buckets::new(BUCKETS)?;
    let histograms =
        registry.histogram_family("request_seconds", "Requests.", ["host", "zone"], buckets)?;
    for at in 0..workload.histograms {
        for value in 0..50 {
            histograms.with(pair_labels(at)).observe(f64::from(value) * 0.3);
        }
    }
    Ok(registry)
}

/// The counters of [`ours`].
///
/// # Errors
/// If the registry has them already.
pub fn our_counters(registry: &Registry) -> Result<Family<LabelNames<3>, Counter>, RegistryError> {
    registry.counter_family("tool_calls_total", "Calls.", COUNTER_LABELS)
}

/// A label set of `prometheus-client`, made of names and values.
pub type TheirLabels = Vec<(&'static str, String)>;

/// The label set of a counter for `prometheus-client`.
pub fn their_counter_labels(at: u32) -> TheirLabels {
    COUNTER_LABELS.into_iter().zip(counter_labels(at)).collect()
}

/// The same registry in `prometheus-client`, and its counters.
pub fn theirs(workload: Workload) -> (TheirRegistry, TheirFamily<TheirLabels, TheirCounter>) {
    let mut registry = TheirRegistry::default();
    let counters = TheirFamily::<TheirLabels, TheirCounter>::default();
    for at in 0..workload.counters {
        counters.get_or_create(&their_counter_labels(at)).inc_by(u64::from(at) * 17);
    }
    registry.register("tool_calls", "Calls", counters.clone());
    let pair =
        |at: u32| -> TheirLabels { ["host", "zone"].into_iter().zip(pair_labels(at)).collect() };
    let gauges = TheirFamily::<TheirLabels, TheirGauge<f64, AtomicU64>>::default();
    for at in 0..workload.gauges {
        gauges.get_or_create(&pair(at)).set(0.123_456 * f64::from(at));
    }
    registry.register("load_ratio", "Load", gauges);
    let histograms = TheirFamily::<TheirLabels, TheirHistogram>::new_with_constructor(|| {
        TheirHistogram::new(BUCKETS)
    });
    for at in 0..workload.histograms {
        for value in 0..50 {
            histograms.get_or_create(&pair(at)).observe(f64::from(value) * 0.3);
        }
    }
    registry.register("request_seconds", "Requests", histograms);
    (registry, counters)
}

#[cfg(test)]
mod tests {
    use super::*;
    use prompush_core::{Encoder, Format};

    /// Benches that do not do the same work compare nothing.
    #[test]
    fn both_registries_say_the_same() {
        let workload = Workload { counters: 20, gauges: 20, histograms: 3 };
        let mut encoder = Encoder::new(Format::Text);
        let ours = encoder.encode(&ours(workload).unwrap()).unwrap().to_vec();
        let theirs = encoder.encode(&theirs(workload).0).unwrap();
        let sorted = |text: &[u8]| {
            let mut lines: Vec<String> =
                String::from_utf8_lossy(text).lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        assert_eq!(sorted(&ours), sorted(theirs));
    }
}
