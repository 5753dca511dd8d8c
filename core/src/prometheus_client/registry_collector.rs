//! Our registry as a collector in a `prometheus_client` registry.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType as PrometheusClientType;

use crate::collect::Encoder;
use crate::exposition::sample_names::without_total;
use crate::exposition::{
    Format, HistogramValue, Metric, MetricFamily, MetricType, MetricValue, parse,
};
use crate::metrics::Registry;

impl Collector for Registry {
    /// Integers above 2^53 are rounded to the nearest float. Summaries are left out, because
    /// `prometheus_client` has no such type.
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let mut text = Encoder::new(Format::Text);
        let text = text.encode(self).map_err(|_| fmt::Error)?;
        let exposition = parse(text, Format::Text).map_err(|_| fmt::Error)?;
        exposition.families.iter().try_for_each(|family| encode_family(&mut encoder, family))
    }
}

fn encode_family(
    encoder: &mut DescriptorEncoder<'_>,
    family: &MetricFamily<'_>,
) -> Result<(), fmt::Error> {
    let (name, client_type) = match family.metric_type {
        MetricType::Counter => (without_total(&family.name), PrometheusClientType::Counter),
        MetricType::Histogram => (&*family.name, PrometheusClientType::Histogram),
        MetricType::Gauge => (&*family.name, PrometheusClientType::Gauge),
        MetricType::Untyped => (&*family.name, PrometheusClientType::Unknown),
        MetricType::Summary => return Ok(()),
    };
    let help = family.help.as_deref().unwrap_or_default();
    let mut encoder = encoder.encode_descriptor(name, help, None, client_type)?;
    for metric in &family.metrics {
        let labels: Vec<(&str, &str)> = metric.labels.iter().collect();
        encode_metric(encoder.encode_family(&labels)?, family.metric_type, metric)?;
    }
    Ok(())
}

fn encode_metric(
    mut encoder: MetricEncoder<'_>,
    metric_type: MetricType,
    metric: &Metric<'_>,
) -> Result<(), fmt::Error> {
    match &metric.value {
        MetricValue::Number(value) if metric_type == MetricType::Counter => {
            encoder.encode_counter::<NoLabelSet, _, f64>(value, None)
        }
        MetricValue::Number(value) => encoder.encode_gauge(value),
        MetricValue::Histogram(histogram) => {
            let (count, buckets) = bucket_counts(histogram);
            encoder.encode_histogram::<NoLabelSet>(histogram.sum, count, &buckets, None)
        }
        // `encode_family` leaves summaries out.
        MetricValue::Summary(_) => Ok(()),
    }
}

/// The count of all observations, and for each bucket the observations of that bucket only (not
/// cumulative), as `prometheus_client` expects.
fn bucket_counts(histogram: &HistogramValue) -> (u64, Vec<(f64, u64)>) {
    let mut below = 0;
    let buckets = histogram.buckets.iter().map(|bucket| {
        let cumulative = whole(bucket.cumulative_count);
        let single = cumulative - below;
        below = cumulative;
        (bucket.upper_bound, single)
    });
    (whole(histogram.count), buckets.collect())
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of ours")]
fn whole(count: f64) -> u64 {
    count as u64
}
