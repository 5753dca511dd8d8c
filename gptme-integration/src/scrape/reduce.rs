//! What the rules leave of an exposition.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use prompush_core::{
    Bucket, HistogramValue, Labels, Metric, MetricFamily, MetricType, MetricValue,
};

use super::Mend;
use super::lax::MENDED_MAX;
use crate::instance::{DropCause, Dropped, Drops};
use crate::names;
use crate::rules::Rules;
use crate::sample_names::SampleNames;

/// The family that counts the samples of a scrape that are not pushed.
pub(super) const DROPPED: &str = "prompush_scrape_dropped_samples";

/// What is left, and what is not.
pub(super) struct Reduced {
    pub(super) families: Vec<MetricFamily<'static>>,
    pub(super) mended: Vec<Mend>,
    pub(super) dropped: Vec<Dropped>,
}

/// Applies `rules` to `families`.
pub(super) fn reduce(
    families: Vec<MetricFamily<'static>>,
    mended: Vec<Mend>,
    rules: &Rules,
) -> Reduced {
    let mut reducer = Reducer {
        rules,
        mended,
        drops: Drops::default(),
        dropped: Vec::new(),
        samples: 0,
        has_timestamps: false,
    };
    let families = reducer.without_clashes(families);
    let mut families: Vec<_> =
        families.into_iter().filter_map(|family| reducer.family(family)).collect();
    families.extend(reducer.own_family());
    let Reducer { mended, dropped, .. } = reducer;
    Reduced { families, mended, dropped }
}

struct Reducer<'a> {
    rules: &'a Rules,
    mended: Vec<Mend>,
    drops: Drops,
    dropped: Vec<Dropped>,
    samples: usize,
    has_timestamps: bool,
}

impl Reducer<'_> {
    /// Drops families that expose a sample of another one. Histograms and summaries come first:
    /// what else has the name of one of their samples is most likely a part of them, astray.
    fn without_clashes(
        &mut self,
        families: Vec<MetricFamily<'static>>,
    ) -> Vec<MetricFamily<'static>> {
        let mut names = SampleNames::with([DROPPED]);
        let (parted, whole): (Vec<_>, Vec<_>) = families.into_iter().partition(|family| {
            matches!(family.metric_type, MetricType::Histogram | MetricType::Summary)
        });
        let mut kept = Vec::new();
        for family in parted.into_iter().chain(whole) {
            if names.take(&family.name, family.metric_type) {
                kept.push(family);
            } else {
                self.drop(DropCause::NameClash, &family, &family.metrics);
            }
        }
        kept
    }

    fn family(&mut self, mut family: MetricFamily<'static>) -> Option<MetricFamily<'static>> {
        if !self.rules.keeps_metric([&family.name; 2]) {
            self.drop(DropCause::MetricRule, &family, &family.metrics);
            return None;
        }
        let mut places: HashMap<Labels<'static>, usize> = HashMap::new();
        let mut metrics: Vec<Metric<'static>> = Vec::new();
        for mut metric in std::mem::take(&mut family.metrics) {
            self.strip_timestamp(&mut metric, &family);
            let had = metric.labels.iter().count();
            metric.labels = self.labels(&metric.labels, &family.name);
            let lost_labels = metric.labels.iter().count() < had;
            if let Some(there) = places.get(&metric.labels).and_then(|at| metrics.get_mut(*at)) {
                if !lost_labels {
                    self.mend(Mend::Duplicate {
                        line: metric.line,
                        family: family.name.to_string(),
                    });
                    there.value = metric.value;
                    continue;
                }
                add(&mut there.value, metric.value, family.metric_type);
                continue;
            }
            let samples = self.samples + metric.value.samples();
            if samples > self.rules.series_max() {
                self.drop(DropCause::SeriesLimit, &family, &[metric]);
                continue;
            }
            self.samples = samples;
            places.insert(metric.labels.clone(), metrics.len());
            metrics.push(metric);
        }
        family.metrics = metrics;
        Some(family).filter(|family| !family.metrics.is_empty())
    }

    fn strip_timestamp(&mut self, metric: &mut Metric<'_>, family: &MetricFamily<'_>) {
        if metric.timestamp_ms.take().is_some()
            && !std::mem::replace(&mut self.has_timestamps, true)
        {
            self.mend(Mend::Timestamps { family: family.name.to_string() });
        }
    }

    /// The labels that the rules leave, sorted, with names that are theirs to have.
    fn labels(&mut self, labels: &Labels<'_>, family: &str) -> Labels<'static> {
        let mut kept: BTreeMap<String, String> = BTreeMap::new();
        // To Prometheus an empty label is none.
        for (name, value) in labels.iter().filter(|(_, value)| !value.is_empty()) {
            let keeps = self.rules.keeps_attribute([name; 2], [family; 2]);
            match allowed(name).filter(|_| keeps) {
                Some(allowed) => {
                    kept.insert(self.rules.free_label(allowed), value.to_owned());
                }
                None => self.dropped.extend(self.drops.attribute(name, family)),
            }
        }
        kept.into_iter().collect()
    }

    fn drop(&mut self, cause: DropCause, family: &MetricFamily<'_>, metrics: &[Metric<'_>]) {
        for _ in metrics.iter().flat_map(|metric| 0..metric.value.samples()) {
            self.dropped.extend(self.drops.point(cause, &family.name));
        }
    }

    fn mend(&mut self, mend: Mend) {
        if self.mended.len() < MENDED_MAX {
            self.mended.push(mend);
        }
    }

    /// How many samples of this scrape were dropped: a gauge, because nothing is remembered.
    #[expect(clippy::cast_precision_loss, reason = "expositions have floats")]
    fn own_family(&self) -> Option<MetricFamily<'static>> {
        let metric = |(cause, count): (&'static str, u64)| Metric {
            labels: [("cause", cause)].into_iter().collect(),
            value: MetricValue::Number(count as f64),
            timestamp_ms: None,
            line: 0,
        };
        let metrics: Vec<_> = self.drops.points().map(metric).collect();
        (!metrics.is_empty()).then_some(MetricFamily {
            name: Cow::Borrowed(DROPPED),
            help: Some(Cow::Borrowed("Samples of the last scrape that are not pushed.")),
            metric_type: MetricType::Gauge,
            metrics,
        })
    }
}

/// The name of a label; one that Prometheus reserves, and a gateway refuses, gets another.
fn allowed(name: &str) -> Option<String> {
    if name.starts_with("__") { names::label_name(name) } else { Some(name.to_owned()) }
}

/// Adds a value to one that it falls together with; a gauge is replaced.
fn add(there: &mut MetricValue, more: MetricValue, metric_type: MetricType) {
    match (there, more) {
        (MetricValue::Number(sum), MetricValue::Number(more))
            if metric_type == MetricType::Counter =>
        {
            *sum += more;
        }
        (MetricValue::Histogram(sum), MetricValue::Histogram(more)) => add_histogram(sum, &more),
        (MetricValue::Summary(sum), MetricValue::Summary(more)) => {
            sum.quantiles.clear(); // those of two cannot be merged
            sum.sum += more.sum;
            sum.count += more.count;
        }
        (there, more) => *there = more,
    }
}

/// Bucket by bucket; where the other one lacks a bound, its next lower bucket counts.
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
