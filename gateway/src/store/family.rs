//! What the groups have of one metric family.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use prompush_core::MetricType;

use super::GroupId;
use crate::render::RenderedFamily;
use crate::render::samples::{RenderedMetric, Samples};

/// The family in all groups that have it.
#[derive(Debug)]
pub(crate) struct Family {
    metric_type: MetricType,
    /// By group, so in the order in which the groups were made.
    members: Vec<Member>,
    /// Which group has the series of that hash.
    series: HashMap<u64, GroupId, foldhash::fast::RandomState>,
    /// More groups or series of a hash that is in `series`: practically none.
    collisions: Vec<(u64, GroupId)>,
    /// The order of exposition, as long as no series comes or goes.
    order: Option<Vec<Run>>,
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
    member: usize,
    first: usize,
    end: usize,
}

impl Family {
    pub(super) fn new(metric_type: MetricType) -> Self {
        Self {
            metric_type,
            members: Vec::new(),
            series: HashMap::default(),
            collisions: Vec::new(),
            order: None,
        }
    }

    pub(crate) fn metric_type(&self) -> MetricType {
        self.metric_type
    }

    /// The help text of the group that was there first.
    pub(crate) fn help(&self) -> Option<&str> {
        self.members.iter().find_map(Member::help)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub(crate) fn member(&self, group: GroupId) -> Option<&Member> {
        self.members.get(self.place(group).ok()?)
    }

    /// Whether another group than this has the family.
    pub(super) fn has_other(&self, group: GroupId) -> bool {
        self.members.iter().take(2).any(|member| member.group != group)
    }

    /// Whether a group, other than the one excepted, has the very series.
    pub(super) fn has_series(&self, metric: &RenderedMetric<'_>, except: Option<GroupId>) -> bool {
        let Some(owner) = self.series.get(&metric.hash) else { return false };
        let has_it = |group: GroupId| {
            Some(group) != except
                && self.member(group).is_some_and(|member| {
                    member
                        .samples
                        .metrics()
                        .any(|own| own.hash == metric.hash && own.labels == metric.labels)
                })
        };
        has_it(*owner)
            || self.collisions.iter().any(|(hash, group)| *hash == metric.hash && has_it(*group))
    }

    /// Sets a group's part and gives back what it had.
    pub(super) fn put(
        &mut self,
        group: GroupId,
        rendered: RenderedFamily,
        pushed_at: Duration,
    ) -> Option<Member> {
        let RenderedFamily { metric_type, help, samples } = rendered;
        // Another type is possible only if no other group has the family.
        self.metric_type = metric_type;
        let place = self.place(group);
        let known = place.ok().and_then(|place| self.members.get(place));
        let same_series = known.is_some_and(|known| known.samples.has_same_series(&samples));
        let member = Member { group, help, samples, pushed_at };
        if same_series {
            return self.replace(place, member);
        }
        if known.is_some() {
            self.forget_series(group);
        }
        for metric in member.samples.metrics() {
            if let Some(other) = self.series.insert(metric.hash, group) {
                self.collisions.push((metric.hash, other));
            }
        }
        self.order = None;
        self.replace(place, member)
    }

    pub(super) fn remove(&mut self, group: GroupId) -> Option<Member> {
        let place = self.place(group).ok()?;
        self.forget_series(group);
        self.order = None;
        Some(self.members.remove(place))
    }

    /// Appends all samples in order.
    pub(crate) fn write_samples(&mut self, out: &mut Vec<u8>) {
        if self.order.is_none() {
            self.order = Some(self.ordered());
        }
        for run in self.order.iter().flatten() {
            if let Some(member) = self.members.get(run.member) {
                out.extend_from_slice(member.samples.lines(run.first, run.end));
            }
        }
    }

    fn place(&self, group: GroupId) -> Result<usize, usize> {
        self.members.binary_search_by_key(&group, |member| member.group)
    }

    fn replace(&mut self, place: Result<usize, usize>, member: Member) -> Option<Member> {
        match place {
            Ok(place) => self.members.get_mut(place).map(|known| std::mem::replace(known, member)),
            Err(place) => {
                self.members.insert(place, member);
                None
            }
        }
    }

    /// Removes a group's series from the index.
    fn forget_series(&mut self, group: GroupId) {
        let Ok(place) = self.place(group) else { return };
        let Some(member) = self.members.get(place) else { return };
        for metric in member.samples.metrics() {
            let entry = (metric.hash, group);
            if let Some(at) = self.collisions.iter().position(|collision| *collision == entry) {
                self.collisions.swap_remove(at);
                continue;
            }
            self.series.remove(&metric.hash);
            // Another series with that hash takes its place.
            let next = self.collisions.iter().position(|(hash, _)| *hash == metric.hash);
            if let Some((hash, next_group)) = next.map(|at| self.collisions.swap_remove(at)) {
                self.series.insert(hash, next_group);
            }
        }
    }

    fn ordered(&self) -> Vec<Run> {
        if let [only] = self.members.as_slice() {
            return vec![Run { member: 0, first: 0, end: only.samples.len() }];
        }
        let mut metrics: Vec<(usize, usize, RenderedMetric<'_>)> = Vec::new();
        for (place, member) in self.members.iter().enumerate() {
            metrics.extend(
                member.samples.metrics().enumerate().map(|(index, metric)| (place, index, metric)),
            );
        }
        metrics.sort_by(|(_, _, one), (_, _, two)| one.order(two));
        let mut runs: Vec<Run> = Vec::new();
        for (member, index, _) in metrics {
            match runs.last_mut() {
                Some(run) if run.member == member && run.end == index => run.end += 1,
                _ => runs.push(Run { member, first: index, end: index + 1 }),
            }
        }
        runs
    }
}
