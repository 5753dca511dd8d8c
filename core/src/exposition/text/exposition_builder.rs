//! ExpositionBuilder as they grow while a body is read.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::BuildHasher;

use crate::exposition::metric_family::{
    Exposition, HistogramValue, Metric, MetricFamily, MetricValue, SummaryValue,
};
use crate::exposition::metric_type::MetricType;
use crate::exposition::sample_names::Suffix;
use crate::labels::metric_labels::Labels;

/// The families of a body that is being read.
#[derive(Default)]
pub(crate) struct ExpositionBuilder<'a> {
    /// Also families without samples, and, until it is known, without a type.
    families: Vec<FamilyBuilder<'a>>,
    /// Whether a family's own name ends like a sample of a histogram or a summary.
    has_suffixed: bool,
    by_name: HashMap<Cow<'a, str>, usize, foldhash::fast::RandomState>,
    /// Histograms and summaries by the hash of their family and labels.
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
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        // Most samples belong to the family of the sample before them.
        match self.families.last() {
            Some(last) if last.name == name => Some(self.families.len() - 1),
            _ => self.by_name.get(name).copied(),
        }
    }

    /// The histogram or summary that a sample named `name` belongs to, and what its name ends in
    /// beyond the family's.
    pub(crate) fn find_compound_family(&self, name: &str) -> Option<(usize, Suffix)> {
        let (family, suffix) = Suffix::split(name)?;
        let family = self.find(family)?;
        suffix.is_of(self.families[family].metric_type?).then_some((family, suffix))
    }

    /// Whether a family may have that very name; looked up only if it may.
    pub(crate) fn find_exact(&self, name: &str) -> Option<usize> {
        if !self.has_suffixed && Suffix::split(name).is_some() { None } else { self.find(name) }
    }

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

    /// The metric a sample belongs to: a new one for a plain type, and for a histogram or a
    /// summary the one with the same labels.
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

    /// Finds a histogram or summary by its labels in any order, or notes where it will stand.
    fn find_compound(&mut self, family: usize, labels: &Labels<'_>) -> Option<usize> {
        let metrics = &self.families[family].metrics;
        // Most samples belong to the metric of the sample before them.
        if metrics.last().is_some_and(|last| last.labels == *labels) {
            return Some(metrics.len() - 1);
        }
        let hasher = self.compound_metrics.hasher();
        // A sum does not depend on the order of the labels.
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

    /// The families that have metrics.
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
