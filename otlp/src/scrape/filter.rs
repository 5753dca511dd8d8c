//! Applies the rules to the families of a scraped body.

use std::collections::{BTreeMap, HashMap};

use prompush_core::{
    Bucket, HistogramValue, Labels, Metric, MetricFamily, MetricType, MetricValue,
};

use crate::claimed_names::ClaimedNames;
use crate::drop_counts::{DropCause, DropCounts, DropNotice};
use crate::names;
use crate::rules::Rules;
use crate::scrape::repair::{Repairs, ScrapeRepair};

/// The family that counts the samples of the last scrape that are not pushed.
pub(crate) const DROPPED_SAMPLES: &str = "prompush_scrape_dropped_samples";

/// Applies `rules` to `families`. Returns the families that are left, and what was dropped.
pub(crate) fn filter(
    families: Vec<MetricFamily<'static>>,
    rules: &Rules,
    repairs: &mut Repairs,
) -> (Vec<MetricFamily<'static>>, Vec<DropNotice>) {
    let mut filter = FamilyFilter {
        rules,
        repairs,
        drop_counts: DropCounts::default(),
        dropped: Vec::new(),
        samples: 0,
        has_timestamps: false,
    };
    let families = filter.without_clashes(families);
    let mut families: Vec<_> =
        families.into_iter().filter_map(|family| filter.filter_family(family)).collect();
    // A gauge, because each scrape is counted afresh.
    let help = "Samples of the last scrape that are not pushed.";
    families.extend(filter.drop_counts.points_family(DROPPED_SAMPLES, help, MetricType::Gauge));
    (families, filter.dropped)
}

/// The state of the filter while it goes through the families of a body.
struct FamilyFilter<'a> {
    rules: &'a Rules,
    repairs: &'a mut Repairs,
    drop_counts: DropCounts,
    dropped: Vec<DropNotice>,
    samples: usize,
    has_timestamps: bool,
}

impl FamilyFilter<'_> {
    /// Drops families that expose a sample name of another family. Histograms and summaries take
    /// precedence: another family with one of their sample names is most likely a stray part of
    /// them.
    fn without_clashes(
        &mut self,
        families: Vec<MetricFamily<'static>>,
    ) -> Vec<MetricFamily<'static>> {
        let mut names = ClaimedNames::reserved([DROPPED_SAMPLES]);
        let (compound, simple): (Vec<_>, Vec<_>) = families.into_iter().partition(|family| {
            matches!(family.metric_type, MetricType::Histogram | MetricType::Summary)
        });
        let mut kept = Vec::new();
        for family in compound.into_iter().chain(simple) {
            if names.claim(&family.name, family.metric_type) {
                kept.push(family);
            } else {
                self.count_dropped(DropCause::NameClash, &family, &family.metrics);
            }
        }
        kept
    }

    /// Applies the rules to one family; `None` when nothing is left of it.
    fn filter_family(
        &mut self,
        mut family: MetricFamily<'static>,
    ) -> Option<MetricFamily<'static>> {
        if !self.rules.keeps_metric([&family.name; 2]) {
            self.count_dropped(DropCause::MetricRule, &family, &family.metrics);
            return None;
        }
        let mut positions: HashMap<Labels<'static>, usize> = HashMap::new();
        let mut metrics: Vec<Metric<'static>> = Vec::new();
        for mut metric in std::mem::take(&mut family.metrics) {
            self.strip_timestamp(&mut metric, &family);
            let labels_before = metric.labels.iter().count();
            metric.labels = self.labels(&metric.labels, &family.name);
            let lost_labels = metric.labels.iter().count() < labels_before;
            if let Some(same) = positions.get(&metric.labels).and_then(|at| metrics.get_mut(*at)) {
                if lost_labels {
                    add(&mut same.value, metric.value, family.metric_type);
                } else {
                    let (line, family) = (metric.line, family.name.to_string());
                    self.repairs.push(ScrapeRepair::RepeatedSeries { line, family });
                    same.value = metric.value;
                }
                continue;
            }
            let samples = self.samples + metric.value.samples();
            if samples > self.rules.samples_max() {
                self.count_dropped(DropCause::SeriesLimit, &family, &[metric]);
                continue;
            }
            self.samples = samples;
            positions.insert(metric.labels.clone(), metrics.len());
            metrics.push(metric);
        }
        family.metrics = metrics;
        Some(family).filter(|family| !family.metrics.is_empty())
    }

    /// Removes the timestamp of a metric. The first one of a body is reported.
    fn strip_timestamp(&mut self, metric: &mut Metric<'_>, family: &MetricFamily<'_>) {
        if metric.timestamp_ms.take().is_some()
            && !std::mem::replace(&mut self.has_timestamps, true)
        {
            self.repairs.push(ScrapeRepair::Timestamps { family: family.name.to_string() });
        }
    }

    /// The labels that the rules keep, sorted, under names that are not reserved.
    fn labels(&mut self, labels: &Labels<'_>, family: &str) -> Labels<'static> {
        let mut kept: BTreeMap<String, String> = BTreeMap::new();
        // Prometheus treats an empty label as a missing one.
        for (name, value) in labels.iter().filter(|(_, value)| !value.is_empty()) {
            let keeps = self.rules.keeps_attribute([name; 2], [family; 2]);
            match allowed(name).filter(|_| keeps) {
                Some(allowed) => {
                    kept.insert(self.rules.unreserved_label(allowed), value.to_owned());
                }
                None => self.dropped.extend(self.drop_counts.count_attribute(name, family)),
            }
        }
        kept.into_iter().collect()
    }

    /// Counts the samples of `metrics` as dropped.
    fn count_dropped(
        &mut self,
        cause: DropCause,
        family: &MetricFamily<'_>,
        metrics: &[Metric<'_>],
    ) {
        for _ in metrics.iter().flat_map(|metric| 0..metric.value.samples()) {
            self.dropped.extend(self.drop_counts.count_point(cause, &family.name));
        }
    }
}

/// The name to use for a label. Names that begin with `__` are reserved by Prometheus and refused
/// by gateways; they are renamed.
fn allowed(name: &str) -> Option<String> {
    if name.starts_with("__") { names::label_name(name) } else { Some(name.to_owned()) }
}

/// Adds `more` to the value of the series that it is summed with. A gauge is replaced.
fn add(total: &mut MetricValue, more: MetricValue, metric_type: MetricType) {
    match (total, more) {
        (MetricValue::Number(sum), MetricValue::Number(more))
            if metric_type == MetricType::Counter =>
        {
            *sum += more;
        }
        (MetricValue::Histogram(sum), MetricValue::Histogram(more)) => add_histogram(sum, &more),
        (MetricValue::Summary(sum), MetricValue::Summary(more)) => {
            sum.quantiles.clear(); // quantiles of two summaries cannot be merged
            sum.sum += more.sum;
            sum.count += more.count;
        }
        (total, more) => *total = more,
    }
}

/// Adds bucket by bucket. For a bound that `more` lacks, the bucket of its next lower bound counts.
fn add_histogram(sum: &mut HistogramValue, more: &HistogramValue) {
    for bucket in &mut sum.buckets {
        let within = |other: &&Bucket| other.upper_bound <= bucket.upper_bound;
        let most = more.buckets.iter().filter(within).map(|other| other.cumulative_count);
        let is_last = bucket.upper_bound == f64::INFINITY;
        bucket.cumulative_count += if is_last { more.count } else { most.fold(0.0, f64::max) };
    }
    sum.sum += more.sum;
    sum.count += more.count;
}
