//! The groups that one gateway has not acknowledged.
//!
//! The module is pure: the worker reports to the queue what happened to each request.

use std::collections::BTreeMap;
use std::time::{Instant, SystemTime};

use crate::background::group_state::{Batch, Delivery, Generation, GroupState};
use crate::background::send_order::SendOrder;
use crate::error::PushError;
use crate::group_key::AnyGroupingKey;
use crate::payload::GroupChange;
use crate::spool::Unacknowledged;

/// The groups that one gateway has not acknowledged completely.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    groups: BTreeMap<AnyGroupingKey, QueuedGroup>,
    /// The groups to send. A group whose request failed goes to the end.
    order: SendOrder,
    /// The groups that the spool keeps from earlier runs. They are sent when `order` is empty.
    from_earlier_runs: SendOrder,
    generation: Generation,
}

#[derive(Debug, Default)]
struct QueuedGroup {
    state: GroupState,
    /// The oldest and the newest request to gather the group that is still open.
    gather_requests: Option<(Generation, Generation)>,
    /// How many attempts in a row ended in a connection that the gateway closed after the whole body.
    dropped: u32,
    /// Why the last attempt failed.
    error: Option<PushError>,
    /// Set when the gateway refused the last attempt for good.
    refused: Option<Refused>,
}

#[derive(Clone, Copy, Debug)]
struct Refused {
    /// The newest operation in the refused batch.
    newest: Generation,
    /// When the gateway began to refuse the group.
    since: Instant,
}

/// The next request for a group.
#[derive(Debug)]
pub(crate) struct NextRequest {
    pub(crate) batch: Batch,
    /// As [`QueuedGroup::dropped`].
    pub(crate) dropped: u32,
    /// Whether the request repeats a failed one.
    pub(crate) is_retry: bool,
}

/// A group of which operations are not acknowledged.
pub(crate) struct OpenGroup<'a> {
    pub(crate) key: &'a AnyGroupingKey,
    pub(crate) state: &'a GroupState,
    /// Why the last attempt failed; `None` before the first attempt.
    pub(crate) error: Option<&'a PushError>,
}

impl QueuedGroup {
    /// The oldest and the newest operation that is not acknowledged.
    fn open_range(&self) -> Option<(Generation, Generation)> {
        let of_state = self.state.oldest().zip(self.state.newest());
        let both = of_state.into_iter().chain(self.gather_requests);
        both.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    }
}

impl Queue {
    /// Adds an operation on a group.
    pub(crate) fn add(&mut self, key: &AnyGroupingKey, change: GroupChange, created: SystemTime) {
        self.generation += 1;
        self.add_gathered(key, change, created, self.generation);
    }

    /// Requests that a group is gathered and sent. Only a gathering that begins after this call counts.
    pub(crate) fn request_gather(&mut self, key: &AnyGroupingKey) {
        self.generation += 1;
        let group = self.groups.entry(key.clone()).or_default();
        let oldest = group.gather_requests.map_or(self.generation, |(oldest, _)| oldest);
        group.gather_requests = Some((oldest, self.generation));
        self.enqueue(key);
    }

    /// The number of the newest operation or request to gather.
    pub(crate) fn generation(&self) -> Generation {
        self.generation
    }

    /// Whether a request to gather this group is still open.
    pub(crate) fn needs_gather(&self, key: &AnyGroupingKey) -> bool {
        self.groups.get(key).is_some_and(|group| group.gather_requests.is_some())
    }

    /// Adds a gathered state of a group. `generation` was the newest number when the gathering began.
    pub(crate) fn add_gathered(
        &mut self,
        key: &AnyGroupingKey,
        change: GroupChange,
        created: SystemTime,
        generation: Generation,
    ) {
        // 0 is smaller than the number of every operation.
        let generation = generation.max(1);
        let group = self.groups.entry(key.clone()).or_default();
        let (oldest, _) = group.gather_requests.unwrap_or((generation, generation));
        group.gather_requests = group.gather_requests.filter(|(_, newest)| *newest > generation);
        let batch = Batch::new(change, created, generation);
        group.state.add(Batch { oldest: oldest.min(generation), ..batch });
        self.enqueue(key);
    }

    /// Puts a group at the end of the order, even if it has nothing to send yet.
    pub(crate) fn enqueue(&mut self, key: &AnyGroupingKey) {
        self.order.push(key);
    }

    /// Puts all groups into the order, also the refused ones. Returns the newest operation.
    pub(crate) fn enqueue_all(&mut self) -> Generation {
        for (key, group) in &mut self.groups {
            self.order.push(key);
            group.refused = group.refused.map(|refused| Refused { newest: 0, ..refused });
        }
        self.generation
    }

    /// Adds a group that the spool keeps from an earlier run.
    pub(crate) fn add_from_earlier_run(&mut self, key: &AnyGroupingKey) {
        self.from_earlier_runs.push(key);
    }

    /// Leaves the spooled groups of earlier runs to a later run.
    pub(crate) fn drop_earlier_runs(&mut self) {
        self.from_earlier_runs = SendOrder::default();
    }

    /// The group to send next.
    pub(crate) fn next(&self) -> Option<&AnyGroupingKey> {
        self.order.first().or_else(|| self.from_earlier_runs.first())
    }

    /// Takes a group out of the order. Returns its next request; `None` when changes of the
    /// group are in the spool only.
    pub(crate) fn send(&mut self, key: &AnyGroupingKey) -> Option<NextRequest> {
        self.order.remove(key);
        self.from_earlier_runs.remove(key);
        let group = self.groups.get_mut(key)?;
        let batch = group.state.send()?.clone();
        let is_retry = group.error.is_some() && group.refused.is_none();
        Some(NextRequest { batch, dropped: group.dropped, is_retry })
    }

    /// The gateway has acknowledged the request of a group. Returns when the gateway had begun to refuse
    /// the group, if it had.
    pub(crate) fn acknowledged(&mut self, key: &AnyGroupingKey) -> Option<Instant> {
        let group = self.groups.get_mut(key)?;
        group.dropped = 0;
        let is_complete = group.state.acknowledged().is_some();
        let refused = group.refused.take().map(|refused| refused.since);
        group.error = None;
        if group.open_range().is_none() {
            self.groups.remove(key);
        } else {
            self.enqueue(key);
        }
        refused.filter(|_| is_complete)
    }

    /// The request of a group failed, and may succeed later.
    pub(crate) fn failed(
        &mut self,
        key: &AnyGroupingKey,
        delivery: Delivery,
        dropped: u32,
        error: PushError,
    ) {
        let Some(group) = self.groups.get_mut(key) else { return };
        group.dropped = dropped;
        group.error = Some(error);
        group.state.failed(delivery);
        self.enqueue(key);
    }

    /// The request of a group was refused for good, or could not even be made. The group is not sent
    /// again before a new operation or a flush. Returns whether the group was refused before, too.
    ///
    /// `for_content` tells whether the gateway might take another body.
    pub(crate) fn refused(
        &mut self,
        key: &AnyGroupingKey,
        now: Instant,
        for_content: bool,
        error: PushError,
    ) -> bool {
        self.order.remove(key);
        let group = self.groups.entry(key.clone()).or_default();
        group.dropped = 0;
        let newest = group.state.in_flight().map(|batch| batch.newest);
        if for_content {
            group.state.content_refused();
        } else {
            group.state.failed(Delivery::NotTaken);
        }
        let before = group.refused.take();
        let since = before.map_or(now, |refused| refused.since);
        let newest = newest.or_else(|| group.state.newest()).unwrap_or(self.generation);
        let has_newer = group.state.newest() > Some(newest);
        group.refused = Some(Refused { newest, since });
        group.error = Some(error);
        if has_newer {
            self.enqueue(key);
        }
        before.is_some()
    }

    /// Whether there is a group to send.
    pub(crate) fn has_next(&self) -> bool {
        self.next().is_some()
    }

    /// The number of groups with unacknowledged operations.
    pub(crate) fn len(&self) -> usize {
        self.groups.values().filter(|group| group.open_range().is_some()).count()
    }

    /// Whether every operation up to `upto` is acknowledged or refused for good.
    pub(crate) fn is_settled(&self, upto: Generation) -> bool {
        self.groups.values().all(|group| {
            let Some((oldest, newest)) = group.open_range() else { return true };
            let newest = newest.min(upto);
            oldest > upto || group.refused.is_some_and(|refused| refused.newest >= newest)
        })
    }

    /// The groups of which operations up to `upto` are not acknowledged.
    pub(crate) fn open_groups(&self, upto: Generation) -> impl Iterator<Item = OpenGroup<'_>> {
        self.groups
            .iter()
            .filter(move |(_, group)| group.open_range().is_some_and(|(oldest, _)| oldest <= upto))
            .map(|(key, group)| OpenGroup { key, state: &group.state, error: group.error.as_ref() })
    }

    /// Whether a group has unacknowledged operations.
    pub(crate) fn is_open(&self, key: &AnyGroupingKey) -> bool {
        self.groups.get(key).is_some_and(|group| group.open_range().is_some())
    }

    /// A change of a group is in the spool, from where another process may send it.
    pub(crate) fn spooled(&mut self, key: &AnyGroupingKey, change: GroupChange) {
        if let Some(group) = self.groups.get_mut(key) {
            group.state.add_unconfirmed(change);
        }
    }

    /// All changes that are not acknowledged.
    pub(crate) fn unacknowledged(&self) -> Vec<Unacknowledged> {
        let unacknowledged = |(key, group): (&AnyGroupingKey, &QueuedGroup)| {
            let (change, created) = group.state.unacknowledged()?;
            let unconfirmed = group.state.unconfirmed(&change);
            Some(Unacknowledged { key: key.clone(), change, created, unconfirmed })
        };
        self.groups.iter().filter_map(unacknowledged).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(path: &str) -> AnyGroupingKey {
        AnyGroupingKey::from_path(path).unwrap()
    }

    #[test]
    fn only_a_later_gathering_fulfils_a_request_to_gather() {
        let (mut queue, key) = (Queue::default(), key("/metrics/job/x"));
        let created = SystemTime::UNIX_EPOCH;
        queue.request_gather(&key);
        let (first, began) = (queue.generation(), queue.generation());
        // A second request arrives while the state is gathered.
        queue.request_gather(&key);
        let second = queue.generation();
        queue.add_gathered(&key, GroupChange::Delete, created, began);
        assert!(queue.send(&key).is_some() && queue.needs_gather(&key));
        queue.acknowledged(&key);
        assert!(!queue.is_settled(second) && queue.len() == 1, "{first} {queue:?}");
        assert_eq!(queue.next(), Some(&key));
        queue.add_gathered(&key, GroupChange::Delete, created, queue.generation());
        assert!(queue.send(&key).is_some() && !queue.needs_gather(&key));
        queue.acknowledged(&key);
        assert!(queue.is_settled(second) && queue.len() == 0);
    }

    #[test]
    fn states_of_earlier_runs_come_last() {
        let mut queue = Queue::default();
        let [earlier, own] = ["/metrics/job/a", "/metrics/job/b"].map(key);
        queue.add_from_earlier_run(&earlier);
        queue.add(&own, GroupChange::Delete, SystemTime::UNIX_EPOCH);
        assert_eq!(queue.next(), Some(&own));
        assert!(queue.send(&own).is_some());
        assert_eq!(queue.next(), Some(&earlier));
        assert!(queue.send(&earlier).is_none() && !queue.has_next());
    }
}
