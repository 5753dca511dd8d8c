//! What the groups have of one metric family.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use prompush_core::MetricType;

use super::GroupId;
use crate::render::RenderedFamily;
use crate::render::samples::{RenderedMetric, Samples};

/// The place of a group's part in its family, for as long as it is there.
pub(super) type Slot = usize;

/// The family in all groups that have it.
#[derive(Debug)]
pub(crate) struct Family {
    metric_type: MetricType,
    /// By slot; a freed slot is used again.
    members: Vec<Option<Member>>,
    free: Vec<Slot>,
    /// In which slot the series of that hash is.
    series: HashMap<u64, Slot, foldhash::fast::RandomState>,
    /// More series of a hash that is in `series`: practically none.
    collisions: Vec<(u64, Slot)>,
    /// The order of exposition, but for the slots that changed since.
    order: Vec<Run>,
    /// Slots whose series or help text changed, or that were emptied, since the last scrape.
    changed: HashSet<Slot, foldhash::fast::RandomState>,
    /// The help text of the oldest group that has one, as of the last scrape.
    help: Option<Arc<str>>,
}

/// One group's part of a family.
#[derive(Debug)]
pub(crate) struct Member {
    group: GroupId,
    help: Option<Arc<str>>,
    samples: Samples,
    pushed_at: Duration,
}

impl Member {
    pub(crate) fn help(&self) -> Option<&str> {
        self.help.as_deref()
    }

    pub(crate) fn samples(&self) -> &Samples {
        &self.samples
    }

    /// When it was pushed, since the Unix epoch.
    pub(crate) fn pushed_at(&self) -> Duration {
        self.pushed_at
    }
}

/// Metrics of one member that follow each other in the exposition.
#[derive(Clone, Copy, Debug)]
struct Run {
    slot: Slot,
    first: usize,
    end: usize,
}

impl Family {
    pub(super) fn new(metric_type: MetricType) -> Self {
        Self {
            metric_type,
            members: Vec::new(),
            free: Vec::new(),
            series: HashMap::default(),
            collisions: Vec::new(),
            order: Vec::new(),
            changed: HashSet::default(),
            help: None,
        }
    }

    pub(crate) fn metric_type(&self) -> MetricType {
        self.metric_type
    }

    pub(super) fn is_empty(&self) -> bool {
        self.members.len() == self.free.len()
    }

    pub(crate) fn member(&self, slot: Slot) -> Option<&Member> {
        self.members.get(slot)?.as_ref()
    }

    /// Whether another group than the one in that slot, if it has one, has the family.
    pub(super) fn has_other(&self, slot: Option<Slot>) -> bool {
        self.members.len() - self.free.len() > usize::from(slot.is_some())
    }

    /// Whether a group, other than the one in the slot excepted, has the very series.
    pub(super) fn has_series(&self, metric: &RenderedMetric<'_>, except: Option<Slot>) -> bool {
        let Some(owner) = self.series.get(&metric.hash) else { return false };
        let has_it = |slot: Slot| {
            let is_same =
                |own: RenderedMetric<'_>| own.hash == metric.hash && own.labels == metric.labels;
            Some(slot) != except
                && self.member(slot).is_some_and(|member| member.samples.metrics().any(is_same))
        };
        has_it(*owner)
            || self.collisions.iter().any(|(hash, slot)| *hash == metric.hash && has_it(*slot))
    }

    /// Sets a group's part, in the slot that it has or in a new one; gives back the slot and what was there.
    pub(super) fn put(
        &mut self,
        slot: Option<Slot>,
        group: GroupId,
        rendered: RenderedFamily,
        pushed_at: Duration,
    ) -> (Slot, Option<Member>) {
        let RenderedFamily { metric_type, help, samples } = rendered;
        // Another type is possible only if no other group has the family.
        self.metric_type = metric_type;
        let slot = slot.unwrap_or_else(|| self.new_slot());
        let known = self.member(slot);
        let same_series = known.is_some_and(|known| known.samples.has_same_series(&samples));
        let same_help = known.is_some_and(|known| known.help == help);
        if !same_series {
            self.forget_series(slot);
            for metric in samples.metrics() {
                if let Some(other) = self.series.insert(metric.hash, slot) {
                    self.collisions.push((metric.hash, other));
                }
            }
        }
        if !same_series || !same_help {
            self.changed.insert(slot);
        }
        let member = Member { group, help, samples, pushed_at };
        let before = self.members.get_mut(slot).and_then(|place| place.replace(member));
        (slot, before)
    }

    /// Empties a slot and gives back what was there.
    pub(super) fn remove(&mut self, slot: Slot) -> Option<Member> {
        self.forget_series(slot);
        let removed = self.members.get_mut(slot)?.take()?;
        self.free.push(slot);
        self.changed.insert(slot);
        Some(removed)
    }

    /// Brings the order and the help text up to date, before a scrape.
    pub(crate) fn refresh(&mut self) {
        if self.changed.is_empty() {
            return;
        }
        self.order = self.ordered();
        self.changed.clear();
        let with_help = self.members.iter().flatten().filter(|member| member.help.is_some());
        let oldest = with_help.min_by_key(|member| member.group);
        self.help = oldest.and_then(|member| member.help.clone());
    }

    /// The help text, as of the last [`Self::refresh`].
    pub(crate) fn help(&self) -> Option<&str> {
        self.help.as_deref()
    }

    /// Appends all samples in order, as of the last [`Self::refresh`].
    pub(crate) fn write_samples(&self, out: &mut Vec<u8>) {
        for run in &self.order {
            if let Some(member) = self.member(run.slot) {
                out.extend_from_slice(member.samples.lines(run.first, run.end));
            }
        }
    }

    fn new_slot(&mut self) -> Slot {
        self.free.pop().unwrap_or_else(|| {
            self.members.push(None);
            self.members.len() - 1
        })
    }

    /// Removes what a slot has from the index of series.
    fn forget_series(&mut self, slot: Slot) {
        let Some(Some(member)) = self.members.get(slot) else { return };
        for metric in member.samples.metrics() {
            let entry = (metric.hash, slot);
            if let Some(at) = self.collisions.iter().position(|collision| *collision == entry) {
                self.collisions.swap_remove(at);
                continue;
            }
            self.series.remove(&metric.hash);
            // Another series with that hash takes its place.
            let next = self.collisions.iter().position(|(hash, _)| *hash == metric.hash);
            if let Some((hash, next_slot)) = next.map(|at| self.collisions.swap_remove(at)) {
                self.series.insert(hash, next_slot);
            }
        }
    }

    /// The order that there was without the changed slots, and those sorted in.
    /// The sort finds what is in order already, so a few changes cost one pass.
    fn ordered(&self) -> Vec<Run> {
        let mut metrics: Vec<(Slot, usize, RenderedMetric<'_>)> = Vec::new();
        let mut add = |slot: Slot, first: usize, end: usize| {
            let samples = self.member(slot).map(Member::samples);
            let indexed =
                (first..end).filter_map(|index| Some((slot, index, samples?.metric(index)?)));
            metrics.extend(indexed);
        };
        for run in self.order.iter().filter(|run| !self.changed.contains(&run.slot)) {
            add(run.slot, run.first, run.end);
        }
        let mut changed: Vec<Slot> = self.changed.iter().copied().collect();
        changed.sort_unstable();
        for slot in changed {
            add(slot, 0, self.member(slot).map_or(0, |member| member.samples.len()));
        }
        metrics.sort_by(|(_, _, one), (_, _, two)| one.order(two));
        let mut runs: Vec<Run> = Vec::new();
        for (slot, index, _) in metrics {
            match runs.last_mut() {
                Some(run) if run.slot == slot && run.end == index => run.end += 1,
                _ => runs.push(Run { slot, first: index, end: index + 1 }),
            }
        }
        runs
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::samples::SamplesBuilder;

    /// A family part whose series all have the same hash.
    fn part(series: &[&str], help: Option<&str>) -> RenderedFamily {
        let mut builder = SamplesBuilder::default();
        for labels in series {
            builder.text().extend_from_slice(format!("m{{{labels}}} 1\n").as_bytes());
            let labels_start = builder.text().len() - labels.len() - 4;
            builder.end_metric(labels_start, labels.len(), 7);
        }
        let help = help.map(Arc::from);
        RenderedFamily { metric_type: MetricType::Gauge, help, samples: builder.finish() }
    }

    fn text(family: &mut Family) -> String {
        family.refresh();
        let mut out = Vec::new();
        family.write_samples(&mut out);
        String::from_utf8(out).unwrap()
    }

    fn has(family: &Family, series: &str, except: Option<Slot>) -> bool {
        let part = part(&[series], None);
        part.samples.metrics().all(|metric| family.has_series(&metric, except))
    }

    #[test]
    fn series_of_one_hash_are_told_apart() {
        let mut family = Family::new(MetricType::Gauge);
        let (one, _) = family.put(None, 1, part(&["a=\"1\"", "a=\"3\""], None), Duration::ZERO);
        let (two, _) = family.put(None, 2, part(&["a=\"2\""], None), Duration::ZERO);
        assert!(has(&family, "a=\"1\"", Some(two)) && has(&family, "a=\"2\"", Some(one)));
        assert!(!has(&family, "a=\"2\"", Some(two)) && !has(&family, "a=\"4\"", None));
        assert_eq!(text(&mut family), "m{a=\"1\"} 1\nm{a=\"2\"} 1\nm{a=\"3\"} 1\n");
        family.remove(one);
        assert!(!has(&family, "a=\"1\"", None) && has(&family, "a=\"2\"", None));
        family.remove(two);
        assert!(!has(&family, "a=\"2\"", None));
        assert!(family.is_empty() && family.series.is_empty() && family.collisions.is_empty());
        assert_eq!(text(&mut family), "");
    }

    #[test]
    fn the_order_follows_every_change() {
        let mut family = Family::new(MetricType::Gauge);
        let (one, _) = family.put(None, 1, part(&["a=\"2\""], None), Duration::ZERO);
        let (two, _) = family.put(None, 2, part(&["a=\"1\""], None), Duration::ZERO);
        assert_eq!(text(&mut family), "m{a=\"1\"} 1\nm{a=\"2\"} 1\n");
        family.put(Some(two), 2, part(&["a=\"3\"", "a=\"1\""], None), Duration::ZERO);
        assert_eq!(text(&mut family), "m{a=\"1\"} 1\nm{a=\"2\"} 1\nm{a=\"3\"} 1\n");
        family.remove(one);
        let (three, _) = family.put(None, 3, part(&["a=\"0\""], None), Duration::ZERO);
        assert_eq!(three, one, "the slot is used again");
        assert_eq!(text(&mut family), "m{a=\"0\"} 1\nm{a=\"1\"} 1\nm{a=\"3\"} 1\n");
    }

    #[test]
    fn the_oldest_group_with_a_help_text_has_the_say() {
        let mut family = Family::new(MetricType::Gauge);
        let (one, _) = family.put(None, 1, part(&["a=\"1\""], None), Duration::ZERO);
        let (two, _) = family.put(None, 2, part(&["a=\"2\""], Some("two")), Duration::ZERO);
        family.put(None, 3, part(&["a=\"3\""], Some("three")), Duration::ZERO);
        let help = |family: &mut Family| {
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
