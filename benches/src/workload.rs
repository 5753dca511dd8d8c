//! The registries of the benches, with the same content in every library.

/// The number of series of each type.
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
    /// A workload of 3,500 sample lines.
    pub const FULL: Self = Self { counters: 1000, gauges: 1000, histograms: 100 };

    /// A workload of counters only.
    pub const fn counters(counters: u32) -> Self {
        Self { counters, gauges: 0, histograms: 0 }
    }
}

/// The bounds of the histograms. The `+Inf` bucket is the thirteenth line.
pub const BUCKETS: [f64; 12] =
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// The name of the counters.
pub const COUNTER_NAME: &str = "tool_calls_total";

/// The name of the gauges.
pub const GAUGE_NAME: &str = "load_ratio";

/// The name of the histograms.
pub const HISTOGRAM_NAME: &str = "request_seconds";

/// The label names of the counters.
pub const COUNTER_LABELS: [&str; 3] = ["tool", "provider", "success"];

/// The label names of the gauges and the histograms.
pub const PAIR_LABELS: [&str; 2] = ["host", "zone"];

/// The label values of a counter.
pub fn counter_labels(at: u32) -> [String; 3] {
    [format!("tool-{at}"), format!("provider-{}", at % 7), at.is_multiple_of(2).to_string()]
}

/// The label values of a gauge or a histogram.
pub fn pair_labels(at: u32) -> [String; 2] {
    [format!("host-{at}"), format!("zone-{}", at % 5)]
}

/// The value of a counter.
pub fn counter_value(at: u32) -> u64 {
    u64::from(at) * 17
}

/// The value of a gauge.
pub fn gauge_value(at: u32) -> f64 {
    0.123_456 * f64::from(at)
}

/// The observations of each histogram.
pub fn observations() -> impl Iterator<Item = f64> {
    (0..50).map(|value| f64::from(value) * 0.3)
}

/// Label values as the libraries take them.
pub fn borrowed<const N: usize>(labels: &[String; N]) -> [&str; N] {
    labels.each_ref().map(String::as_str)
}
