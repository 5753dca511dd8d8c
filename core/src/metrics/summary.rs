//! Summaries without quantiles: the sum and the number of observations.

use crate::collect::{Encoder, SeriesWriter};
use crate::exposition::{FamilyType, MetricType};
use crate::metrics::{Buckets, Histogram, Sealed, labels_in};

/// The sum and the number of observations. It has no quantiles, because quantiles of several
/// programs cannot be combined; a [`Histogram`] estimates them.
///
/// A clone is a handle to the same summary: recording takes no lock and allocates nothing.
///
/// ```
/// use prompush_core::{Encoder, Format, Registry};
///
/// let registry = Registry::new();
/// let sizes = registry.summary("body_bytes", "Sizes of bodies, in bytes.")?;
/// sizes.observe(100.0);
/// sizes.observe(28.0);
/// let mut encoder = Encoder::new(Format::Text);
/// let text = encoder.encode(&registry)?;
/// assert!(text.ends_with(b"body_bytes_sum 128\nbody_bytes_count 2\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Summary {
    /// A histogram with one bucket, `+Inf`: the bucket counts all observations.
    observations: Histogram,
}

impl Summary {
    /// Records `value`. NaN makes the sum NaN.
    #[inline]
    pub fn observe(&self, value: f64) {
        self.observations.observe(value);
    }

    /// The number of recorded values.
    pub fn count(&self) -> u64 {
        self.observations.count()
    }

    /// The sum of the recorded values.
    pub fn sum(&self) -> f64 {
        self.observations.sum()
    }
}

impl Sealed for Summary {
    type Config = ();
    const FAMILY_TYPE: FamilyType = FamilyType::Plain(MetricType::Summary);
    const RESERVED_LABEL: Option<&'static str> = Some("quantile");

    fn create((): &()) -> Self {
        Self { observations: Histogram::create(&Buckets::only_infinity()) }
    }

    fn encode_text(&self, name: &str, prefix: &[u8], encoder: &mut Encoder) {
        encoder.write_summary_samples(name, labels_in(name, prefix), self.sum(), self.count());
    }

    fn encode_protobuf(&self, series: SeriesWriter<'_>) {
        series.write_summary(self.sum(), self.count());
    }
}

#[cfg(test)]
mod tests {
    use crate::exposition::{Format, MetricValue, SummaryValue, parse};
    use crate::metrics::Registry;

    use super::*;

    #[test]
    fn every_format_has_the_sum_and_the_count() {
        let registry = Registry::new();
        let family = registry.summary_family("body_bytes", "Sizes.", ["method"]).unwrap();
        family.with(["put"]).observe(0.5);
        family.with(["put"]).observe(2.0);
        for format in [Format::Text, Format::OpenMetrics, Format::Protobuf] {
            let mut encoder = Encoder::new(format);
            let body = encoder.encode(&registry).unwrap().to_vec();
            assert_eq!(encoder.samples(), 2, "{format:?}");
            let exposition = parse(&body, format).unwrap();
            let family = exposition.family("body_bytes").unwrap();
            assert_eq!(family.metric_type, MetricType::Summary);
            let metric = &family.metrics[0];
            assert_eq!(metric.labels.iter().collect::<Vec<_>>(), [("method", "put")]);
            let value = SummaryValue { quantiles: Vec::new(), sum: 2.5, count: 2.0 };
            assert_eq!(metric.value, MetricValue::Summary(value), "{format:?}");
        }
    }

    #[test]
    fn the_label_quantile_and_the_names_of_the_samples_are_reserved() {
        let registry = Registry::new();
        assert!(registry.summary_family("s", "", ["quantile"]).is_err());
        registry.summary("s", "").unwrap();
        assert!(registry.gauge("s_sum", "").is_err());
    }
}
