//! One metric family in all groups that have it.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use prompush_core::MetricType;

use crate::render::renderer::RenderedFamily;
use crate::render::samples::{RenderedMetric, RenderedSamples};
use crate::store::group::GroupId;
use crate::store::series_index::{PartIndex, SeriesIndex};

/// One metric family in all groups that have it. Each of these groups has one part of the family.
///
/// A scrape needs the samples of all parts in the order of the exposition. The family stores this order, so that a
/// scrape only copies. [`StoredFamily::refresh`] brings the order up to date after pushes.
#[derive(Debug)]
pub(crate) struct StoredFamily {
    metric_type: MetricType,
    /// The parts. `None` at an index in `free`.
    parts: Vec<Option<FamilyPart>>,
    /// Indexes without a part. They are used again.
    free: Vec<PartIndex>,
    series: SeriesIndex,
    /// The order of the exposition as of the last refresh.
    order: Vec<MetricRange>,
    /// Parts whose series or help text changed since the last refresh, and parts that were removed.
    changed: HashSet<PartIndex, foldhash::fast::RandomState>,
    /// The help text of the oldest group that has one, as of the last refresh.
    help: Option<Arc<str>>,
}

/// The samples and the help text that one group has of a family.
#[derive(Debug)]
pub(crate) struct FamilyPart {
    group: GroupId,
    help: Option<Arc<str>>,
    samples: RenderedSamples,
    pushed_at: Duration,
}

impl FamilyPart {
    pub(crate) fn help(&self) -> Option<&str> {
        self.help.as_deref()
    }

    pub(crate) fn samples(&self) -> &RenderedSamples {
        &self.samples
    }

    /// The time of the push, since the Unix epoch.
    pub(crate) fn pushed_at(&self) -> Duration {
        self.pushed_at
    }
}

/// Metrics of one part that stand together in the exposition: those from `first` to `end - 1`.
#[derive(Clone, Copy, Debug)]
struct MetricRange {
    part: PartIndex,
    first: usize,
    end: usize,
}

impl StoredFamily {
    pub(crate) fn new(metric_type: MetricType) -> Self {
        Self {
            metric_type,
            parts: Vec::new(),
            free: Vec::new(),
            series: SeriesIndex::default(),
            order: Vec::new(),
            changed: HashSet::default(),
            help: None,
        }
    }

    pub(crate) fn metric_type(&self) -> MetricType {
        self.metric_type
    }

    /// Whether no group has the family.
    pub(crate) fn is_empty(&self) -> bool {
        self.parts.len() == self.free.len()
    }

    pub(crate) fn part(&self, index: PartIndex) -> Option<&FamilyPart> {
        self.parts.get(index)?.as_ref()
    }

    /// Whether a group has the family, other than the group with the part `except`.
    pub(crate) fn has_other_part(&self, except: Option<PartIndex>) -> bool {
        self.parts.len() - self.free.len() > usize::from(except.is_some())
    }

    /// Whether a group has that series, other than the group with the part `except`.
    pub(crate) fn has_series(
        &self,
        metric: &RenderedMetric<'_>,
        except: Option<PartIndex>,
    ) -> bool {
        let is_same =
            |own: RenderedMetric<'_>| own.hash == metric.hash && own.labels == metric.labels;
        let has_it = |part: &FamilyPart| part.samples.metrics().any(is_same);
        let mut others = self.series.parts_with(metric.hash).filter(|part| Some(*part) != except);
        others.any(|part| self.part(part).is_some_and(has_it))
    }

    /// Stores what a group has of the family: in place of the part `index`, or as a new part.
    ///
    /// Returns the index of the part, and what was there before.
    pub(crate) fn put(
        &mut self,
        index: Option<PartIndex>,
        group: GroupId,
        rendered: RenderedFamily,
        pushed_at: Duration,
    ) -> (PartIndex, Option<FamilyPart>) {
        let RenderedFamily { metric_type, help, samples } = rendered;
        // The consistency check allows another type only if no other group has the family.
        self.metric_type = metric_type;
        let index = index.unwrap_or_else(|| self.new_index());
        let before = self.part(index);
        let same_series = before.is_some_and(|part| part.samples.has_same_series(&samples));
        let same_help = before.is_some_and(|part| part.help == help);
        if !same_series {
            self.remove_from_index(index);
            for metric in samples.metrics() {
                self.series.insert(metric.hash, index);
            }
        }
        if !same_series || !same_help {
            self.changed.insert(index);
        }
        let part = FamilyPart { group, help, samples, pushed_at };
        let before = self.parts.get_mut(index).and_then(|place| place.replace(part));
        (index, before)
    }

    /// Removes a part and returns it.
    pub(crate) fn remove(&mut self, index: PartIndex) -> Option<FamilyPart> {
        self.remove_from_index(index);
        let removed = self.parts.get_mut(index)?.take()?;
        self.free.push(index);
        self.changed.insert(index);
        Some(removed)
    }

    /// Brings the order and the help text up to date. A scrape calls it first.
    pub(crate) fn refresh(&mut self) {
        if self.changed.is_empty() {
            return;
        }
        self.order = self.new_order();
        self.changed.clear();
        let with_help = self.parts.iter().flatten().filter(|part| part.help.is_some());
        let oldest = with_help.min_by_key(|part| part.group);
        self.help = oldest.and_then(|part| part.help.clone());
    }

    /// The help text as of the last [`Self::refresh`].
    pub(crate) fn help(&self) -> Option<&str> {
        self.help.as_deref()
    }

    /// Appends all samples in the order of the exposition as of the last [`Self::refresh`].
    pub(crate) fn write_samples(&self, out: &mut Vec<u8>) {
        for range in &self.order {
            if let Some(part) = self.part(range.part) {
                out.extend_from_slice(part.samples.lines(range.first, range.end));
            }
        }
    }

    fn new_index(&mut self) -> PartIndex {
        self.free.pop().unwrap_or_else(|| {
            self.parts.push(None);
            self.parts.len() - 1
        })
    }

    /// Removes the series of a part from the index of series.
    fn remove_from_index(&mut self, index: PartIndex) {
        let Some(Some(part)) = self.parts.get(index) else { return };
        for metric in part.samples.metrics() {
            self.series.remove(metric.hash, index);
        }
    }

    /// The order of the last refresh without the changed parts, with the changed parts sorted into it.
    ///
    /// The sort recognizes ranges that are sorted already, so after few changes it costs little more than one pass.
    fn new_order(&self) -> Vec<MetricRange> {
        let mut metrics: Vec<(PartIndex, usize, RenderedMetric<'_>)> = Vec::new();
        let mut add = |part: PartIndex, first: usize, end: usize| {
            let samples = self.part(part).map(FamilyPart::samples);
            let indexed =
                (first..end).filter_map(|index| Some((part, index, samples?.metric(index)?)));
            metrics.extend(indexed);
        };
        for range in self.order.iter().filter(|range| !self.changed.contains(&range.part)) {
            add(range.part, range.first, range.end);
        }
        let mut changed: Vec<PartIndex> = self.changed.iter().copied().collect();
        changed.sort_unstable();
        for index in changed {
            add(index, 0, self.part(index).map_or(0, |part| part.samples.len()));
        }
        metrics.sort_by(|(_, _, one), (_, _, two)| one.exposition_order(two));
        let mut order: Vec<MetricRange> = Vec::new();
        for (part, index, _) in metrics {
            match order.last_mut() {
                Some(range) if range.part == part && range.end == index => range.end += 1,
                _ => order.push(MetricRange { part, first: index, end: index + 1 }),
            }
        }
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::samples::SamplesBuilder;

    /// A family whose series all have the same hash.
    fn part(series: &[&str], help: Option<&str>) -> RenderedFamily {
        let mut builder = SamplesBuilder::default();
        for labels in series {
            builder.text().extend_from_slice(format!("m{{{labels}}} 1\n").as_bytes());
            let labels_start = builder.text().len() - labels.len() - 4;
            builder.end_metric(labels_start..labels_start + labels.len(), 7);
        }
        let help = help.map(Arc::from);
        RenderedFamily { metric_type: MetricType::Gauge, help, samples: builder.finish() }
    }

    fn text(family: &mut StoredFamily) -> String {
        family.refresh();
        let mut out = Vec::new();
        family.write_samples(&mut out);
        String::from_utf8(out).unwrap()
    }

    fn has(family: &StoredFamily, series: &str, except: Option<PartIndex>) -> bool {
        let part = part(&[series], None);
        part.samples.metrics().all(|metric| family.has_series(&metric, except))
    }

    #[test]
    fn series_with_equal_hashes_are_distinguished() {
        let mut family = StoredFamily::new(MetricType::Gauge);
        let (one, _) = family.put(None, 1, part(&["a=\"1\"", "a=\"3\""], None), Duration::ZERO);
        let (two, _) = family.put(None, 2, part(&["a=\"2\""], None), Duration::ZERO);
        assert!(has(&family, "a=\"1\"", Some(two)) && has(&family, "a=\"2\"", Some(one)));
        assert!(!has(&family, "a=\"2\"", Some(two)) && !has(&family, "a=\"4\"", None));
        assert_eq!(text(&mut family), "m{a=\"1\"} 1\nm{a=\"2\"} 1\nm{a=\"3\"} 1\n");
        family.remove(one);
        assert!(!has(&family, "a=\"1\"", None) && has(&family, "a=\"2\"", None));
        family.remove(two);
        assert!(!has(&family, "a=\"2\"", None));
        assert!(family.is_empty() && family.series.is_empty());
        assert_eq!(text(&mut family), "");
    }

    #[test]
    fn the_order_follows_every_change() {
        let mut family = StoredFamily::new(MetricType::Gauge);
        let (one, _) = family.put(None, 1, part(&["a=\"2\""], None), Duration::ZERO);
        let (two, _) = family.put(None, 2, part(&["a=\"1\""], None), Duration::ZERO);
        assert_eq!(text(&mut family), "m{a=\"1\"} 1\nm{a=\"2\"} 1\n");
        family.put(Some(two), 2, part(&["a=\"3\"", "a=\"1\""], None), Duration::ZERO);
        assert_eq!(text(&mut family), "m{a=\"1\"} 1\nm{a=\"2\"} 1\nm{a=\"3\"} 1\n");
        family.remove(one);
        let (three, _) = family.put(None, 3, part(&["a=\"0\""], None), Duration::ZERO);
        assert_eq!(three, one, "the index is used again");
        assert_eq!(text(&mut family), "m{a=\"0\"} 1\nm{a=\"1\"} 1\nm{a=\"3\"} 1\n");
    }

    #[test]
    fn the_help_text_is_that_of_the_oldest_group_with_one() {
        let mut family = StoredFamily::new(MetricType::Gauge);
        let (one, _) = family.put(None, 1, part(&["a=\"1\""], None), Duration::ZERO);
        let (two, _) = family.put(None, 2, part(&["a=\"2\""], Some("two")), Duration::ZERO);
        family.put(None, 3, part(&["a=\"3\""], Some("three")), Duration::ZERO);
        let help = |family: &mut StoredFamily| {
            family.refresh();
            family.help().map(str::to_owned)
        };
        assert_eq!(help(&mut family).as_deref(), Some("two"));
        family.put(Some(one), 1, part(&["a=\"1\""], Some("one")), Duration::ZERO);
        assert_eq!(help(&mut family).as_deref(), Some("one"));
        family.remove(one);
        family.remove(two);
        assert_eq!(help(&mut family).as_deref(), Some("three"));
    }
}
