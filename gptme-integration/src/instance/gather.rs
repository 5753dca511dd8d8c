//! The state of an instance as the families to push.

use std::borrow::Cow;

use prompush_core::{
    Bucket, HistogramValue, Metric, MetricFamily, MetricType, MetricValue, Quantile, SummaryValue,
};

use super::State;
use super::families::{Cells, Labels, Place, Series};
use crate::rules::Rules;
use crate::tokens;

/// The family that holds the attributes of the resource.
pub(super) const TARGET_INFO: &str = "target_info";
/// The family that counts points that became no sample.
pub(super) const DROPPED_POINTS: &str = "prompush_otlp_dropped_points_total";
/// The family that counts attributes that became no label.
pub(super) const DROPPED_ATTRIBUTES: &str = "prompush_otlp_dropped_attributes_total";

/// All families of an instance.
pub(super) fn families<'a>(state: &'a State, rules: &Rules) -> Vec<MetricFamily<'a>> {
    let totals = totals(state);
    let mut families = Vec::new();
    for ((family, series), totals) in state.families.iter().zip(&totals) {
        let metric = |(labels, place, series): (&'a Labels, Place, &Series)| {
            let cells = totals.get(place.series()).map(Vec::as_slice).unwrap_or_default();
            metric(labels, value(family.metric_type, series, cells))
        };
        families.push(MetricFamily {
            name: Cow::Borrowed(&family.name),
            help: Some(Cow::Borrowed(family.help.as_str())).filter(|help| !help.is_empty()),
            metric_type: family.metric_type,
            metrics: series.map(metric).collect(),
        });
    }
    tokens::add_family(&mut families, rules);
    if !state.target.is_empty() && rules.keeps_metric([TARGET_INFO; 2]) {
        let target = metric(&state.target, MetricValue::Number(1.0));
        families.push(own_family(TARGET_INFO, "Target metadata", MetricType::Gauge, vec![target]));
    }
    families.extend(dropped(state));
    families
}

/// What each series amounts to: what was kept for good, and the last value of its streams.
fn totals(state: &State) -> Vec<Vec<Cells>> {
    let mut totals: Vec<Vec<Cells>> = state.families.bases();
    for (place, cells) in state.streams.values() {
        if let Some(total) =
            totals.get_mut(place.family()).and_then(|family| family.get_mut(place.series()))
        {
            total.iter_mut().zip(cells).for_each(|(total, more)| *total += more);
        }
    }
    totals
}

fn value(metric_type: MetricType, series: &Series, cells: &[f64]) -> MetricValue {
    match (metric_type, cells) {
        (MetricType::Histogram, [sum, counts @ ..]) => {
            let mut cumulative_count = 0.0;
            let bounds = series.bounds.iter().copied().chain([f64::INFINITY]);
            let buckets = bounds.zip(counts).map(|(upper_bound, count)| {
                cumulative_count += count;
                Bucket { upper_bound, cumulative_count }
            });
            let buckets = buckets.collect();
            MetricValue::Histogram(HistogramValue { buckets, sum: *sum, count: cumulative_count })
        }
        (MetricType::Summary, [sum, count]) => {
            let quantile =
                |(quantile, value): &(f64, f64)| Quantile { quantile: *quantile, value: *value };
            let quantiles = series.quantiles.iter().map(quantile).collect();
            MetricValue::Summary(SummaryValue { quantiles, sum: *sum, count: *count })
        }
        (_, cells) => MetricValue::Number(cells.first().copied().unwrap_or_default()),
    }
}

fn metric(labels: &Labels, value: MetricValue) -> Metric<'_> {
    let labels = labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    Metric { labels, value, timestamp_ms: None, line: 0 }
}

fn own_family<'a>(
    name: &'static str,
    help: &'static str,
    metric_type: MetricType,
    metrics: Vec<Metric<'a>>,
) -> MetricFamily<'a> {
    let help = Some(Cow::Borrowed(help));
    MetricFamily { name: Cow::Borrowed(name), help, metric_type, metrics }
}

/// What was dropped; families of which there is nothing are left out.
fn dropped(state: &State) -> impl Iterator<Item = MetricFamily<'_>> {
    let points = own_family(
        DROPPED_POINTS,
        "Points of OTLP exports that became no sample.",
        MetricType::Counter,
        state.drops.points().map(|(cause, count)| counted("cause", cause, count)).collect(),
    );
    let attributes = own_family(
        DROPPED_ATTRIBUTES,
        "Attributes of OTLP points that became no label, by a rule.",
        MetricType::Counter,
        state.drops.attributes().map(|(name, count)| counted("attribute", name, count)).collect(),
    );
    [points, attributes].into_iter().filter(|family| !family.metrics.is_empty())
}

#[expect(clippy::cast_precision_loss, reason = "expositions have floats")]
fn counted<'a>(label: &'static str, value: &'a str, count: u64) -> Metric<'a> {
    let labels = [(label, value)].into_iter().collect();
    let value = MetricValue::Number(count as f64);
    Metric { labels, value, timestamp_ms: None, line: 0 }
}
