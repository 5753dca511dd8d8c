//! The store of all groups.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use prompush_core::{PUSH_FAILURE_TIME, PUSH_TIME};

use crate::clock_reading::ClockReading;
use crate::error::StoreError;
use crate::group_labels::GroupLabels;
use crate::own_metrics;
use crate::render::renderer::{RenderedFamily, RenderedPush, Renderer};
use crate::store::consistency::{ConsistencyCheck, check_push_time};
use crate::store::group::{GroupId, StoredGroup};
use crate::store::group_view::GroupView;
use crate::store::limits::{StoreLimits, StoreUsage};
use crate::store::series_index::PartIndex;
use crate::store::stored_family::StoredFamily;

/// All groups, and by name all metric families that they have.
#[derive(Debug)]
pub(crate) struct MetricStore {
    limits: StoreLimits,
    renderer: Renderer,
    group_ids: BTreeMap<GroupLabels, GroupId>,
    groups: HashMap<GroupId, StoredGroup, foldhash::fast::RandomState>,
    next_id: GroupId,
    families: BTreeMap<Arc<str>, StoredFamily>,
    /// When groups expire, on the monotonic clock. A group that does not expire has no entry.
    deadlines: BTreeSet<(Duration, GroupId)>,
    usage: StoreUsage,
}

impl MetricStore {
    pub(crate) fn new(limits: StoreLimits, renderer: Renderer) -> Self {
        Self {
            limits,
            renderer,
            group_ids: BTreeMap::new(),
            groups: HashMap::default(),
            next_id: 0,
            families: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            usage: StoreUsage::default(),
        }
    }

    /// Stores a push. With `replace`, the push replaces the whole group, otherwise only the families with the same
    /// names.
    ///
    /// # Errors
    ///
    /// If the exposition would become inconsistent, or larger than the limits. The store is then unchanged.
    pub(crate) fn push(
        &mut self,
        labels: &GroupLabels,
        push: RenderedPush,
        replace: bool,
        now: ClockReading,
    ) -> Result<(), StoreError> {
        let known = self.group_ids.get(labels).copied();
        self.check(known, labels, &push, replace)?;
        let id = known.unwrap_or_else(|| self.insert_group(labels));
        if replace {
            self.remove_parts(id, |name| {
                !own_metrics::is_push_time(name) && !push.families.contains_key(name)
            });
        }
        for (name, family) in push.families {
            self.put_part(id, name, family, now.wall);
        }
        self.put_time(id, labels, PUSH_TIME, now.wall);
        if known.is_none() {
            self.put_time(id, labels, PUSH_FAILURE_TIME, NEVER);
        }
        if let Some(group) = self.groups.get_mut(&id) {
            group.last_success = Some(now.monotonic);
            group.last_push_successful = true;
            if replace || push.ttl_seconds.is_some() {
                group.ttl_seconds = push.ttl_seconds;
            }
        }
        self.schedule_expiry(id);
        Ok(())
    }

    /// Records that a well-formed push was refused.
    ///
    /// If the group does not exist, it is created. If the push times of a new group would clash with those of another
    /// group, or if the store is full, nothing is recorded.
    pub(crate) fn record_failure(&mut self, labels: &GroupLabels, now: ClockReading) {
        let known = self.group_ids.get(labels).copied();
        if known.is_none() && self.check(None, labels, &RenderedPush::default(), false).is_err() {
            return;
        }
        let id = known.unwrap_or_else(|| self.insert_group(labels));
        if known.is_none() {
            self.put_time(id, labels, PUSH_TIME, NEVER);
        }
        self.put_time(id, labels, PUSH_FAILURE_TIME, now.wall);
        if let Some(group) = self.groups.get_mut(&id) {
            group.last_failure = Some(now.monotonic);
            group.last_push_successful = false;
        }
        self.schedule_expiry(id);
    }

    /// Deletes the group with exactly these labels, if it exists.
    pub(crate) fn delete(&mut self, labels: &GroupLabels) {
        if let Some(id) = self.group_ids.get(labels).copied() {
            self.remove_group(id);
        }
    }

    /// Deletes all groups.
    pub(crate) fn wipe(&mut self) {
        *self = Self { next_id: self.next_id, ..Self::new(self.limits, self.renderer.clone()) };
    }

    /// Removes the groups that have expired, and returns their number.
    pub(crate) fn expire(&mut self, now: ClockReading) -> usize {
        let mut expired = 0;
        while let Some((deadline, id)) = self.deadlines.first().copied()
            && deadline <= now.monotonic
        {
            self.deadlines.pop_first();
            if let Some(group) = self.groups.get(&id) {
                log::info!("group {} expired", group.labels.to_log_text());
            }
            self.remove_group(id);
            expired += 1;
        }
        expired
    }

    /// The groups, sorted by their labels.
    pub(crate) fn groups(&self) -> impl Iterator<Item = GroupView<'_>> {
        self.group_ids.values().filter_map(|id| {
            Some(GroupView { group: self.groups.get(id)?, families: &self.families })
        })
    }

    /// The families, sorted by name and refreshed.
    pub(crate) fn families(&mut self) -> impl Iterator<Item = (&str, &StoredFamily)> {
        self.families.iter_mut().map(|(name, family)| {
            family.refresh();
            (name.as_ref(), &*family)
        })
    }

    /// Bytes of all samples as text.
    pub(crate) fn bytes(&self) -> usize {
        self.usage.bytes
    }

    fn check(
        &self,
        id: Option<GroupId>,
        labels: &GroupLabels,
        push: &RenderedPush,
        replace: bool,
    ) -> Result<(), StoreError> {
        let group = id.and_then(|id| self.groups.get(&id));
        if group.is_none() {
            let push_time = self.renderer.render_gauge(PUSH_TIME, labels, 0.0);
            check_push_time(&self.families, &push_time)?;
        }
        ConsistencyCheck { families: &self.families, group, push, replace }.check()?;
        self.limits.check(self.usage_after(group, push, replace))
    }

    /// How much the store holds after the push. The two series with the push times of a new group are not counted.
    fn usage_after(
        &self,
        group: Option<&StoredGroup>,
        push: &RenderedPush,
        replace: bool,
    ) -> StoreUsage {
        let mut usage = self.usage;
        usage.groups += usize::from(group.is_none());
        for family in push.families.values() {
            usage.add(&family.samples);
        }
        for (name, index) in group.iter().flat_map(|group| &group.parts) {
            let is_removed = replace && !own_metrics::is_push_time(name);
            if (is_removed || push.families.contains_key(name))
                && let Some(part) = self.families.get(name).and_then(|family| family.part(*index))
            {
                usage.subtract(part.samples());
            }
        }
        usage
    }

    fn insert_group(&mut self, labels: &GroupLabels) -> GroupId {
        let id = self.next_id;
        self.next_id += 1;
        self.group_ids.insert(labels.clone(), id);
        self.groups.insert(id, StoredGroup::new(labels.clone()));
        self.usage.groups += 1;
        id
    }

    fn remove_group(&mut self, id: GroupId) {
        self.remove_parts(id, |_| true);
        if let Some(group) = self.groups.remove(&id) {
            self.usage.groups -= 1;
            self.group_ids.remove(&group.labels);
            if let Some(deadline) = group.deadline {
                self.deadlines.remove(&(deadline, id));
            }
        }
    }

    fn remove_parts(&mut self, id: GroupId, is_removed: impl Fn(&str) -> bool) {
        let Some(group) = self.groups.get_mut(&id) else { return };
        let removed: Vec<(Arc<str>, PartIndex)> =
            group.parts.extract_if(.., |name, _| is_removed(name)).collect();
        for (name, index) in removed {
            let Some(family) = self.families.get_mut(&name) else { continue };
            if let Some(part) = family.remove(index) {
                self.usage.subtract(part.samples());
            }
            if family.is_empty() {
                self.families.remove(&name);
            }
        }
    }

    fn put_part(
        &mut self,
        id: GroupId,
        name: Arc<str>,
        rendered: RenderedFamily,
        pushed_at: Duration,
    ) {
        let Some(group) = self.groups.get_mut(&id) else { return };
        self.usage.add(&rendered.samples);
        // All groups with the family share one allocation of its name.
        let name = self.families.get_key_value(&name).map_or(name, |(known, _)| Arc::clone(known));
        let family = self
            .families
            .entry(Arc::clone(&name))
            .or_insert_with(|| StoredFamily::new(rendered.metric_type));
        let known = group.parts.get(&name).copied();
        let (index, before) = family.put(known, id, rendered, pushed_at);
        if let Some(before) = before {
            self.usage.subtract(before.samples());
        }
        if known.is_none() {
            group.parts.insert(name, index);
        }
    }

    /// Sets one of the push times of a group. A push time is a gauge with the seconds since the Unix epoch.
    fn put_time(&mut self, id: GroupId, labels: &GroupLabels, name: &str, time: Duration) {
        let rendered = self.renderer.render_gauge(name, labels, time.as_secs_f64());
        self.put_part(id, Arc::from(name), rendered, time);
    }

    fn schedule_expiry(&mut self, id: GroupId) {
        let Some(group) = self.groups.get_mut(&id) else { return };
        if let Some(deadline) = group.deadline.take() {
            self.deadlines.remove(&(deadline, id));
        }
        group.deadline = group.new_deadline(self.limits.expiration);
        if let Some(deadline) = group.deadline {
            self.deadlines.insert((deadline, id));
        }
    }
}

/// The push time that stands for "never".
const NEVER: Duration = Duration::ZERO;
