//! The exposition of a body that is being read.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::BuildHasher;

use crate::exposition::sample_names::Suffix;
use crate::exposition::{
    Bucket, Exposition, HistogramValue, Metric, MetricFamily, MetricType, MetricValue, Quantile,
    SummaryValue,
};
use crate::labels::Labels;

/// Collects the families of a body while the body is read.
#[derive(Default)]
pub(crate) struct ExpositionBuilder<'a> {
    /// All families that were named so far, also those without samples.
    families: Vec<FamilyBuilder<'a>>,
    /// Whether there is a family whose own name ends in the suffix of a histogram's sample.
    has_suffixed: bool,
    /// The index of each family in `families`.
    by_name: HashMap<Cow<'a, str>, usize, foldhash::fast::RandomState>,
    /// The histograms and summaries, each by its family's index and its own index there. The key is a
    /// hash of the family and the labels.
    compound_metrics: HashMap<u64, Vec<(usize, usize)>, foldhash::fast::RandomState>,
}

/// A family that is being read.
pub(crate) struct FamilyBuilder<'a> {
    pub(crate) name: Cow<'a, str>,
    pub(crate) help: Option<Cow<'a, str>>,
    pub(crate) metric_type: Option<MetricType>,
    pub(crate) metrics: Vec<Metric<'a>>,
}

impl<'a> ExpositionBuilder<'a> {
    /// The index of the family with this name.
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        // Most samples belong to the family of the sample before them.
        match self.families.last() {
            Some(last) if last.name == name => Some(self.families.len() - 1),
            _ => self.by_name.get(name).copied(),
        }
    }

    /// The index of the histogram or summary that exposes a sample called `name`, and the sample's
    /// suffix.
    pub(crate) fn find_compound_family(&self, name: &str) -> Option<(usize, Suffix)> {
        let (family, suffix) = Suffix::split(name)?;
        let family = self.find(family)?;
        suffix.is_of(self.families[family].metric_type?).then_some((family, suffix))
    }

    /// As [`find`](Self::find), without the lookup for most samples of a histogram or a summary.
    pub(crate) fn find_exact(&self, name: &str) -> Option<usize> {
        if !self.has_suffixed && Suffix::split(name).is_some() { None } else { self.find(name) }
    }

    /// The index of the family with this name. Creates the family if there is none.
    pub(crate) fn find_or_create(&mut self, name: Cow<'a, str>) -> usize {
        if let Some(family) = self.find(&name) {
            return family;
        }
        let family = self.families.len();
        self.has_suffixed |= Suffix::split(&name).is_some();
        self.by_name.insert(name.clone(), family);
        self.families.push(FamilyBuilder {
            name,
            help: None,
            metric_type: None,
            metrics: Vec::new(),
        });
        family
    }

    pub(crate) fn get(&mut self, family: usize) -> &mut FamilyBuilder<'a> {
        &mut self.families[family]
    }

    pub(crate) fn metric_type(&self, family: usize) -> Option<MetricType> {
        self.families[family].metric_type
    }

    /// The metric that a sample belongs to. In a histogram or a summary, this is the metric with the
    /// same labels; in all other types, each sample is a new metric.
    pub(crate) fn metric(
        &mut self,
        family: usize,
        labels: Labels<'a>,
        line: usize,
    ) -> &mut Metric<'a> {
        let metric_type = self.families[family].metric_type;
        let value = match metric_type {
            Some(MetricType::Histogram) => MetricValue::Histogram(HistogramValue::default()),
            Some(MetricType::Summary) => MetricValue::Summary(SummaryValue::default()),
            _ => MetricValue::Number(0.0),
        };
        let is_plain = matches!(value, MetricValue::Number(_));
        let at = if is_plain { None } else { self.find_compound(family, &labels) };
        let metrics = &mut self.families[family].metrics;
        let at = at.unwrap_or(metrics.len());
        if at == metrics.len() {
            metrics.push(Metric { labels, value, timestamp_ms: None, line });
        }
        &mut metrics[at]
    }

    /// The index of the histogram or summary with these labels, in any order. If there is none, enters
    /// the index that the new metric will have.
    fn find_compound(&mut self, family: usize, labels: &Labels<'_>) -> Option<usize> {
        let metrics = &self.families[family].metrics;
        // Most samples belong to the metric of the sample before them.
        if metrics.last().is_some_and(|last| last.labels == *labels) {
            return Some(metrics.len() - 1);
        }
        let hasher = self.compound_metrics.hasher();
        // The hashes of the labels are added, so that the order of the labels does not matter.
        let hash = labels
            .iter()
            .fold(hasher.hash_one(family), |hash, label| hash.wrapping_add(hasher.hash_one(label)));
        let candidates = self.compound_metrics.entry(hash).or_default();
        let same =
            |(of, at): &&(usize, usize)| *of == family && same_labels(&metrics[*at].labels, labels);
        if let Some((_, at)) = candidates.iter().find(same) {
            return Some(*at);
        }
        candidates.push((family, metrics.len()));
        None
    }

    /// The exposition, without families that have no metrics.
    pub(crate) fn finish(self) -> Exposition<'a> {
        let families = self
            .families
            .into_iter()
            .filter(|family| !family.metrics.is_empty())
            .map(|family| MetricFamily {
                name: family.name,
                help: family.help,
                metric_type: family.metric_type.unwrap_or(MetricType::Untyped),
                metrics: family.metrics,
            })
            .collect();
        Exposition { families }
    }
}

fn same_labels(left: &Labels<'_>, right: &Labels<'_>) -> bool {
    // Names are unique within one label set.
    left.iter().count() == right.iter().count()
        && left.iter().all(|label| right.iter().any(|other| other == label))
}

/// Stores the number of one sample in the value of its metric.
///
/// `suffix` is the sample's suffix in a histogram or a summary, and `bound` its `le` or `quantile`.
pub(crate) fn store_value(
    to: &mut MetricValue,
    suffix: Option<Suffix>,
    bound: Option<f64>,
    value: f64,
) {
    match (to, suffix, bound) {
        (MetricValue::Number(number), ..) => *number = value,
        (MetricValue::Histogram(histogram), Some(Suffix::Count), _) => histogram.count = value,
        (MetricValue::Histogram(histogram), Some(Suffix::Sum), _) => histogram.sum = value,
        (MetricValue::Histogram(histogram), _, Some(upper_bound)) => {
            histogram.buckets.push(Bucket { upper_bound, cumulative_count: value });
        }
        // The count of a summary is a whole number. The gateway cuts what follows the point.
        (MetricValue::Summary(summary), Some(Suffix::Count), _) => summary.count = value.trunc(),
        (MetricValue::Summary(summary), Some(Suffix::Sum), _) => summary.sum = value,
        (MetricValue::Summary(summary), _, Some(quantile)) => {
            summary.quantiles.push(Quantile { quantile, value });
        }
        // The gateway drops a bucket or quantile without a bound, and reports no error.
        (_, _, None) => {}
    }
}
