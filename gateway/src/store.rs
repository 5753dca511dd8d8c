//! What has been pushed. No sockets, no clock, no waiting: rendered pushes in, decisions out.
//!
//! Invariants:
//! - What is stored is always a consistent exposition: no series twice, one type for each family,
//!   no family that is named as a sample of another.
//! - A refused push changes no group's metrics, only the time of its last failure.
//! - Each group has the two families with its push times.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use prompush_core::{MetricType, PUSH_FAILURE_TIME, PUSH_TIME};

use crate::error::{Inconsistency, Refusal};
use crate::group_key::GroupKey;
use crate::moment::Moment;
use crate::own_metrics;
use crate::render::{Rendered, RenderedFamily, Renderer};
use family::{Family, Member, Slot};

mod check;
mod family;

/// A group's number, in the order of creation.
type GroupId = u64;

/// How much a store may hold, and for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StoreLimits {
    pub(crate) groups_max: usize,
    pub(crate) series_max: usize,
    pub(crate) bytes_max: usize,
    /// Lifetime of groups that do not say their own.
    pub(crate) expiration: Option<Duration>,
}

/// All groups, and by name what they have of each metric family.
#[derive(Debug)]
pub(crate) struct Store {
    limits: StoreLimits,
    renderer: Renderer,
    keys: BTreeMap<GroupKey, GroupId>,
    groups: HashMap<GroupId, Group, foldhash::fast::RandomState>,
    next_id: GroupId,
    families: BTreeMap<Arc<str>, Family>,
    /// When groups expire, on the monotonic clock.
    deadlines: BTreeSet<(Duration, GroupId)>,
    /// Series in `families`.
    series: usize,
    /// Bytes of samples in `families`.
    bytes: usize,
}

#[derive(Debug)]
struct Group {
    key: GroupKey,
    /// Its families, those with its push times among them, and where in them its part is.
    families: BTreeMap<Arc<str>, Slot>,
    /// Monotonic times.
    last_success: Option<Duration>,
    last_failure: Option<Duration>,
    last_push_successful: bool,
    /// What the group says of its lifetime.
    ttl_seconds: Option<f64>,
    /// Its entry in the store's deadlines.
    deadline: Option<Duration>,
}

/// A group as it is listed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GroupView<'a> {
    store: &'a Store,
    group: &'a Group,
}

impl<'a> GroupView<'a> {
    pub(crate) fn key(&self) -> &'a GroupKey {
        &self.group.key
    }

    pub(crate) fn last_push_successful(&self) -> bool {
        self.group.last_push_successful
    }

    /// The group's families by name.
    pub(crate) fn families(&self) -> impl Iterator<Item = (&'a str, MetricType, &'a Member)> {
        let store = self.store;
        self.group.families.iter().filter_map(move |(name, slot)| {
            let family = store.families.get(name)?;
            Some((name.as_ref(), family.metric_type(), family.member(*slot)?))
        })
    }
}

impl Store {
    pub(crate) fn new(limits: StoreLimits, renderer: Renderer) -> Self {
        Self {
            limits,
            renderer,
            keys: BTreeMap::new(),
            groups: HashMap::default(),
            next_id: 0,
            families: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            series: 0,
            bytes: 0,
        }
    }

    /// Stores a push: in place of the whole group (`replace`), or of the families of the same names.
    ///
    /// # Errors
    ///
    /// If the exposition would become inconsistent or larger than the limits; nothing has changed then.
    pub(crate) fn push(
        &mut self,
        key: &GroupKey,
        rendered: Rendered,
        replace: bool,
        now: Moment,
    ) -> Result<(), Refusal> {
        let known = self.keys.get(key).copied();
        let id = known.unwrap_or(self.next_id);
        self.check(known, key, &rendered, replace)?;
        if known.is_none() {
            self.insert_group(key.clone(), id);
        }
        if replace {
            self.remove_families(id, |name| {
                name != PUSH_TIME
                    && name != PUSH_FAILURE_TIME
                    && !rendered.families.contains_key(name)
            });
        }
        for (name, family) in rendered.families {
            self.put_family(id, name, family, now);
        }
        self.put_time(id, key, PUSH_TIME, Some(now));
        if known.is_none() {
            self.put_time(id, key, PUSH_FAILURE_TIME, None);
        }
        if let Some(group) = self.groups.get_mut(&id) {
            group.last_success = Some(now.monotonic);
            group.last_push_successful = true;
            if replace || rendered.ttl_seconds.is_some() {
                group.ttl_seconds = rendered.ttl_seconds;
            }
        }
        self.schedule_expiry(id);
        Ok(())
    }

    /// Notes that a well-formed push was refused. The group is created if it is not there,
    /// unless its own series would be another group's: then nothing is noted.
    pub(crate) fn note_failure(&mut self, key: &GroupKey, now: Moment) {
        let known = self.keys.get(key).copied();
        let id = known.unwrap_or(self.next_id);
        if known.is_none() {
            let rendered = Rendered::default();
            if self.check(None, key, &rendered, false).is_err() {
                return;
            }
            self.insert_group(key.clone(), id);
            self.put_time(id, key, PUSH_TIME, None);
        }
        self.put_time(id, key, PUSH_FAILURE_TIME, Some(now));
        if let Some(group) = self.groups.get_mut(&id) {
            group.last_failure = Some(now.monotonic);
            group.last_push_successful = false;
        }
        self.schedule_expiry(id);
    }

    /// Deletes the group of exactly that key, if there is one.
    pub(crate) fn delete(&mut self, key: &GroupKey) {
        if let Some(id) = self.keys.get(key).copied() {
            self.remove_group(id);
        }
    }

    /// Deletes all groups.
    pub(crate) fn wipe(&mut self) {
        *self = Self { next_id: self.next_id, ..Self::new(self.limits, self.renderer.clone()) };
    }

    /// Removes the groups whose time has come, and says how many there were.
    pub(crate) fn expire(&mut self, now: Moment) -> usize {
        let mut expired = 0;
        while let Some((deadline, id)) = self.deadlines.first().copied()
            && deadline <= now.monotonic
        {
            self.deadlines.pop_first();
            if let Some(group) = self.groups.get(&id) {
                log::info!("group {} expired", group.key.for_log());
            }
            self.remove_group(id);
            expired += 1;
        }
        expired
    }

    /// The groups, sorted by key.
    pub(crate) fn groups(&self) -> impl Iterator<Item = GroupView<'_>> {
        self.keys
            .values()
            .filter_map(|id| Some(GroupView { store: self, group: self.groups.get(id)? }))
    }

    /// The families, sorted by name, ready to be written.
    pub(crate) fn families(&mut self) -> impl Iterator<Item = (&str, &Family)> {
        self.families.iter_mut().map(|(name, family)| {
            family.refresh();
            (name.as_ref(), &*family)
        })
    }

    /// Bytes of all samples.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    fn insert_group(&mut self, key: GroupKey, id: GroupId) {
        self.keys.insert(key.clone(), id);
        let group = Group {
            key,
            families: BTreeMap::new(),
            last_success: None,
            last_failure: None,
            last_push_successful: false,
            ttl_seconds: None,
            deadline: None,
        };
        self.groups.insert(id, group);
        self.next_id = self.next_id.max(id + 1);
    }

    fn remove_group(&mut self, id: GroupId) {
        self.remove_families(id, |_| true);
        if let Some(group) = self.groups.remove(&id) {
            self.keys.remove(&group.key);
            if let Some(deadline) = group.deadline {
                self.deadlines.remove(&(deadline, id));
            }
        }
    }

    fn remove_families(&mut self, id: GroupId, is_removed: impl Fn(&str) -> bool) {
        let Some(group) = self.groups.get_mut(&id) else { return };
        let removed: Vec<(Arc<str>, Slot)> =
            group.families.extract_if(.., |name, _| is_removed(name)).collect();
        for (name, slot) in removed {
            let Some(family) = self.families.get_mut(&name) else { continue };
            if let Some(member) = family.remove(slot) {
                self.series -= member.samples().len();
                self.bytes -= member.samples().text().len();
            }
            if family.is_empty() {
                self.families.remove(&name);
            }
        }
    }

    fn put_family(&mut self, id: GroupId, name: Arc<str>, rendered: RenderedFamily, now: Moment) {
        let Some(group) = self.groups.get_mut(&id) else { return };
        self.series += rendered.samples.len();
        self.bytes += rendered.samples.text().len();
        // One allocation of the name serves all groups that have the family.
        let name = self.families.get_key_value(&name).map_or(name, |(known, _)| Arc::clone(known));
        let family = self
            .families
            .entry(Arc::clone(&name))
            .or_insert_with(|| Family::new(rendered.metric_type));
        let known = group.families.get(&name).copied();
        let (slot, before) = family.put(known, id, rendered, now.wall);
        if let Some(before) = before {
            self.series -= before.samples().len();
            self.bytes -= before.samples().text().len();
        }
        if known.is_none() {
            group.families.insert(name, slot);
        }
    }

    /// Sets one of the group's own families; zero stands for never.
    fn put_time(&mut self, id: GroupId, key: &GroupKey, name: &str, time: Option<Moment>) {
        let value = time.map_or(0.0, |moment| moment.wall.as_secs_f64());
        let rendered = self.renderer.render_gauge(name, key, value);
        let now = time.unwrap_or(Moment { wall: Duration::ZERO, monotonic: Duration::ZERO });
        self.put_family(id, Arc::from(name), rendered, now);
    }

    fn schedule_expiry(&mut self, id: GroupId) {
        let Some(group) = self.groups.get_mut(&id) else { return };
        if let Some(deadline) = group.deadline.take() {
            self.deadlines.remove(&(deadline, id));
        }
        let lifetime = match group.ttl_seconds {
            // Too long for a duration means for ever.
            Some(seconds) => Duration::try_from_secs_f64(seconds).ok(),
            None => self.limits.expiration,
        };
        let last_push = group.last_success.or(group.last_failure);
        group.deadline = last_push.zip(lifetime).and_then(|(last, life)| last.checked_add(life));
        if let Some(deadline) = group.deadline {
            self.deadlines.insert((deadline, id));
        }
    }
}
