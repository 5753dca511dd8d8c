//! The families that are pushed for an instance.

use std::borrow::Cow;

use prompush_core::{
    Bucket, HistogramValue, Metric, MetricFamily, MetricType, MetricValue, Quantile, SummaryValue,
};

use crate::instance::family_table::SeriesPosition;
use crate::instance::own_families::{DROPPED_ATTRIBUTES, DROPPED_POINTS, TARGET_INFO};
use crate::instance::series::{Components, LabelPairs, SeriesEntry};
use crate::instance::state::InstanceState;
use crate::rules::Rules;

/// All families of an instance: the program's, their aliases, `target_info` and the drop counts.
pub(crate) fn families<'a>(state: &'a InstanceState, rules: &Rules) -> Vec<MetricFamily<'a>> {
    let totals = totals(state);
    let mut families = Vec::new();
    for ((family, series), totals) in state.families.iter().zip(&totals) {
        let metadata = &family.metadata;
        let metric =
            |(labels, position, series): (&'a LabelPairs, SeriesPosition, &SeriesEntry)| {
                let components = totals.get(position.series).map(Vec::as_slice).unwrap_or_default();
                metric(labels, value(metadata.metric_type, series, components))
            };
        families.push(MetricFamily {
            name: Cow::Borrowed(&metadata.name),
            help: Some(Cow::Borrowed(metadata.help.as_str())).filter(|help| !help.is_empty()),
            metric_type: metadata.metric_type,
            metrics: series.map(metric).collect(),
        });
    }
    rules.add_aliases(&mut families);
    if !state.target_info.is_empty() && rules.keeps_metric([TARGET_INFO; 2]) {
        families.push(MetricFamily {
            name: Cow::Borrowed(TARGET_INFO),
            help: Some(Cow::Borrowed("Target metadata")),
            metric_type: MetricType::Gauge,
            metrics: vec![metric(&state.target_info, MetricValue::Number(1.0))],
        });
    }
    let counts = &state.drop_counts;
    let help = "Points of OTLP exports that became no sample.";
    families.extend(counts.points_family(DROPPED_POINTS, help, MetricType::Counter));
    let help = "Attributes of OTLP points that became no label, by a rule.";
    families.extend(counts.attributes_family(DROPPED_ATTRIBUTES, help));
    families
}

/// The total of every series: its base plus the last value of each of its streams.
fn totals(state: &InstanceState) -> Vec<Vec<Components>> {
    let mut totals: Vec<Vec<Components>> = state.families.bases();
    for (position, components) in state.streams.values() {
        let family = totals.get_mut(position.family);
        if let Some(total) = family.and_then(|family| family.get_mut(position.series)) {
            total.iter_mut().zip(components).for_each(|(total, more)| *total += more);
        }
    }
    totals
}

fn value(metric_type: MetricType, series: &SeriesEntry, components: &[f64]) -> MetricValue {
    match (metric_type, components) {
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
        (_, components) => MetricValue::Number(components.first().copied().unwrap_or_default()),
    }
}

fn metric(labels: &LabelPairs, value: MetricValue) -> Metric<'_> {
    let labels = labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    Metric { labels, value, timestamp_ms: None, line: 0 }
}
