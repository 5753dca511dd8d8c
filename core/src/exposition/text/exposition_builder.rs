//! Families as they grow while a body is read.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::BuildHasher;

use crate::exposition::{
    Exposition, HistogramValue, Metric, MetricFamily, MetricType, MetricValue, SummaryValue,
};
use crate::labels::Labels;

/// The families of a body that is being read.
#[derive(Default)]
pub(super) struct Families<'a> {
    /// Also families without samples, and, until it is known, without a type.
    drafts: Vec<Draft<'a>>,
    /// Whether a family's own name ends like a sample of a histogram or a summary.
    has_suffixed: bool,
    by_name: HashMap<Cow<'a, str>, usize, foldhash::fast::RandomState>,
    /// Histograms and summaries by the hash of their family and labels.
    compound: HashMap<u64, Vec<(usize, usize)>, foldhash::fast::RandomState>,
}

/// What the name of a sample of a histogram or a summary ends in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Suffix {
    Count,
    Sum,
    Bucket,
}

impl Suffix {
    const ALL: [Self; 3] = [Self::Bucket, Self::Sum, Self::Count];

    fn as_str(self) -> &'static str {
        match self {
            Self::Count => "_count",
            Self::Sum => "_sum",
            Self::Bucket => "_bucket",
        }
    }
}

/// A family that is being read.
pub(super) struct Draft<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) help: Option<Cow<'a, str>>,
    pub(super) metric_type: Option<MetricType>,
    pub(super) metrics: Vec<Metric<'a>>,
}

impl<'a> Families<'a> {
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        // Most samples belong to the family of the sample before them.
        match self.drafts.last() {
            Some(last) if last.name == name => Some(self.drafts.len() - 1),
            _ => self.by_name.get(name).copied(),
        }
    }

    /// The histogram or summary that a sample named `name` belongs to, and what its name ends in
    /// beyond the family's.
    pub(super) fn find_compound_family(&self, name: &str) -> Option<(usize, Suffix)> {
        Suffix::ALL.into_iter().find_map(|suffix| {
            let family = self.find(name.strip_suffix(suffix.as_str())?)?;
            match self.drafts[family].metric_type? {
                MetricType::Histogram => Some((family, suffix)),
                MetricType::Summary if suffix != Suffix::Bucket => Some((family, suffix)),
                _ => None,
            }
        })
    }

    /// Whether a family may have that very name; looked up only if it may.
    pub(super) fn find_own(&self, name: &str) -> Option<usize> {
        let looks_compound = Suffix::ALL.into_iter().any(|suffix| name.ends_with(suffix.as_str()));
        if looks_compound && !self.has_suffixed { None } else { self.find(name) }
    }

    pub(super) fn find_or_create(&mut self, name: Cow<'a, str>) -> usize {
        if let Some(family) = self.find(&name) {
            return family;
        }
        let family = self.drafts.len();
        self.has_suffixed |= Suffix::ALL.into_iter().any(|suffix| name.ends_with(suffix.as_str()));
        self.by_name.insert(name.clone(), family);
        self.drafts.push(Draft { name, help: None, metric_type: None, metrics: Vec::new() });
        family
    }

    pub(super) fn get(&mut self, family: usize) -> &mut Draft<'a> {
        &mut self.drafts[family]
    }

    pub(super) fn metric_type(&self, family: usize) -> Option<MetricType> {
        self.drafts[family].metric_type
    }

    /// The metric a sample belongs to: a new one for a plain type, and for a histogram or a
    /// summary the one with the same labels.
    pub(super) fn metric(
        &mut self,
        family: usize,
        labels: Labels<'a>,
        line: usize,
    ) -> &mut Metric<'a> {
        let metric_type = self.drafts[family].metric_type;
        let value = match metric_type {
            Some(MetricType::Histogram) => MetricValue::Histogram(HistogramValue::default()),
            Some(MetricType::Summary) => MetricValue::Summary(SummaryValue::default()),
            _ => MetricValue::Number(0.0),
        };
        let is_plain = matches!(value, MetricValue::Number(_));
        let at = if is_plain { None } else { self.find_compound(family, &labels) };
        let metrics = &mut self.drafts[family].metrics;
        let at = at.unwrap_or(metrics.len());
        if at == metrics.len() {
            metrics.push(Metric { labels, value, timestamp_ms: None, line });
        }
        &mut metrics[at]
    }

    /// Finds a histogram or summary by its labels in any order, or notes where it will stand.
    fn find_compound(&mut self, family: usize, labels: &Labels<'_>) -> Option<usize> {
        let metrics = &self.drafts[family].metrics;
        // Most samples belong to the metric of the sample before them.
        if metrics.last().is_some_and(|last| last.labels == *labels) {
            return Some(metrics.len() - 1);
        }
        let hasher = self.compound.hasher();
        // A sum does not depend on the order of the labels.
        let hash = labels
            .iter()
            .fold(hasher.hash_one(family), |hash, label| hash.wrapping_add(hasher.hash_one(label)));
        let candidates = self.compound.entry(hash).or_default();
        let same =
            |(of, at): &&(usize, usize)| *of == family && same_labels(&metrics[*at].labels, labels);
        if let Some((_, at)) = candidates.iter().find(same) {
            return Some(*at);
        }
        candidates.push((family, metrics.len()));
        None
    }

    /// The families that have metrics.
    pub(super) fn finish(self) -> Exposition<'a> {
        let families = self
            .drafts
            .into_iter()
            .filter(|draft| !draft.metrics.is_empty())
            .map(|draft| MetricFamily {
                name: draft.name,
                help: draft.help,
                metric_type: draft.metric_type.unwrap_or(MetricType::Untyped),
                metrics: draft.metrics,
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
