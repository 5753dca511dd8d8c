//! What one gateway has yet to be told, group by group: pure, and told by the worker what happened.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use crate::background::group_state::{Batch, Delivery, Generation, GroupState};
use crate::error::push_error::PushError;
use crate::payload::change::GroupChange;

/// The path of a group.
pub(crate) type Path = Arc<str>;

/// The groups of which a gateway has not acknowledged everything.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    entries: BTreeMap<Path, QueuedGroup>,
    /// Whose turn it is to be sent. What failed goes to the end.
    order: SendOrder,
    /// Groups of which an earlier run has left something: sent when nothing else is to be.
    from_earlier_runs: SendOrder,
    generation: Generation,
}

/// Paths in the order in which they came, each once.
#[derive(Debug, Default)]
struct SendOrder {
    by_number: BTreeMap<u64, Path>,
    numbers: BTreeMap<Path, u64>,
    /// How many have ever come.
    count: u64,
}

#[derive(Debug, Default)]
struct QueuedGroup {
    group: GroupState,
    /// The oldest and the newest wish for a state that is still to be gathered.
    gather_requests: Option<(Generation, Generation)>,
    /// Connections in a row that the gateway closed after a whole body.
    dropped: u32,
    /// Why the last attempt failed.
    error: Option<PushError>,
    /// Set when the last attempt was refused for good.
    refused: Option<Refused>,
}

#[derive(Clone, Copy, Debug)]
struct Refused {
    /// The newest operation that was in it.
    newest: Generation,
    /// Since when the group is being refused.
    since: Instant,
}

/// What is to be sent of a group.
#[derive(Debug)]
pub(crate) struct NextRequest {
    pub(crate) batch: Batch,
    /// Connections in a row that the gateway closed after a whole body of this group.
    pub(crate) dropped: u32,
    /// Whether it repeats an attempt that failed.
    pub(crate) again: bool,
}

/// A state that no gateway has acknowledged.
#[derive(Debug)]
pub(crate) struct Unacknowledged {
    pub(crate) path: Path,
    pub(crate) state: GroupChange,
    /// When its newest part was made.
    pub(crate) created: SystemTime,
    /// Other states that the gateway may have taken, or may still take.
    pub(crate) unconfirmed: Vec<GroupChange>,
}

impl SendOrder {
    /// At the end, unless it is in it already.
    fn push(&mut self, path: &Path) {
        if !self.numbers.contains_key(path) {
            self.count += 1;
            self.numbers.insert(Arc::clone(path), self.count);
            self.by_number.insert(self.count, Arc::clone(path));
        }
    }

    fn first(&self) -> Option<&Path> {
        self.by_number.values().next()
    }

    fn remove(&mut self, path: &Path) {
        if let Some(number) = self.numbers.remove(path) {
            self.by_number.remove(&number);
        }
    }
}

impl QueuedGroup {
    /// The oldest and the newest operation that is not acknowledged.
    fn open(&self) -> Option<(Generation, Generation)> {
        let of_slot = self.group.oldest().zip(self.group.newest());
        let both = of_slot.into_iter().chain(self.gather_requests);
        both.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    }
}

impl Queue {
    /// Adds an operation; it is sent as soon as it is its turn.
    pub(crate) fn add(&mut self, path: &Path, state: GroupChange, created: SystemTime) {
        self.generation += 1;
        self.add_gathered(path, state, created, self.generation);
    }

    /// Somebody wants the state of a group that is gathered from now on.
    pub(crate) fn request_gather(&mut self, path: &Path) {
        self.generation += 1;
        let entry = self.entries.entry(Arc::clone(path)).or_default();
        let oldest = entry.gather_requests.map_or(self.generation, |(oldest, _)| oldest);
        entry.gather_requests = Some((oldest, self.generation));
        self.queue(path);
    }

    /// The number of the newest operation or wish.
    pub(crate) fn generation(&self) -> Generation {
        self.generation
    }

    /// Whether a state of that group is still to be gathered.
    pub(crate) fn needs_gather(&self, path: &Path) -> bool {
        self.entries.get(path).is_some_and(|entry| entry.gather_requests.is_some())
    }

    /// Adds the state of a group whose gathering began when `generation` was the newest operation.
    pub(crate) fn add_gathered(
        &mut self,
        path: &Path,
        state: GroupChange,
        created: SystemTime,
        generation: Generation,
    ) {
        // 0 is before all operations.
        let generation = generation.max(1);
        let entry = self.entries.entry(Arc::clone(path)).or_default();
        let (oldest, _) = entry.gather_requests.unwrap_or((generation, generation));
        entry.gather_requests = entry.gather_requests.filter(|(_, newest)| *newest > generation);
        let batch =
            Batch { oldest: oldest.min(generation), ..Batch::new(state, created, generation) };
        entry.group.add(batch);
        self.queue(path);
    }

    /// Gives a group a turn, though it may have nothing to send yet.
    pub(crate) fn queue(&mut self, path: &Path) {
        self.order.push(path);
    }

    /// Gives all groups a turn, also those that were refused. Returns the newest operation's number.
    pub(crate) fn enqueue_all(&mut self) -> Generation {
        let paths: Vec<Path> = self.entries.keys().cloned().collect();
        for path in &paths {
            self.queue(path);
        }
        for entry in self.entries.values_mut() {
            entry.refused = entry.refused.map(|refused| Refused { newest: 0, ..refused });
        }
        self.generation
    }

    /// An earlier run has left something of that group.
    pub(crate) fn add_from_earlier_run(&mut self, path: &Path) {
        self.from_earlier_runs.push(path);
    }

    /// Leaves what earlier runs have left to later ones.
    pub(crate) fn drop_earlier_runs(&mut self) {
        self.from_earlier_runs = SendOrder::default();
    }

    /// Whose turn it is.
    pub(crate) fn next(&self) -> Option<&Path> {
        self.order.first().or_else(|| self.from_earlier_runs.first())
    }

    /// Takes that group's turn away and says what to send of it.
    pub(crate) fn send(&mut self, path: &Path) -> Option<NextRequest> {
        self.order.remove(path);
        self.from_earlier_runs.remove(path);
        let entry = self.entries.get_mut(path)?;
        let batch = entry.group.send()?.clone();
        let again = entry.error.is_some() && entry.refused.is_none();
        Some(NextRequest { batch, dropped: entry.dropped, again })
    }

    /// The gateway has acknowledged what was sent of that group. Returns it and since when the
    /// group had been refused; `None` where it is to be sent once more.
    pub(crate) fn acknowledged(&mut self, path: &Path) -> Option<(Batch, Option<Instant>)> {
        let entry = self.entries.get_mut(path)?;
        entry.dropped = 0;
        let taken = entry.group.acknowledged();
        let refused = entry.refused.take().map(|refused| refused.since);
        entry.error = None;
        if entry.open().is_none() {
            self.entries.remove(path);
        } else {
            self.queue(path);
        }
        taken.map(|taken| (taken, refused))
    }

    /// What was sent of that group may succeed later.
    pub(crate) fn failed(
        &mut self,
        path: &Path,
        delivery: Delivery,
        dropped: u32,
        error: PushError,
    ) {
        let Some(entry) = self.entries.get_mut(path) else { return };
        entry.dropped = dropped;
        entry.error = Some(error);
        entry.group.failed(delivery);
        self.queue(path);
    }

    /// What was sent of that group, or should have been, is refused for good: it has no turn before
    /// something new comes, or a flush. Returns whether it was refused before, too.
    pub(crate) fn refused(
        &mut self,
        path: &Path,
        now: Instant,
        for_content: bool,
        error: PushError,
    ) -> bool {
        self.order.remove(path);
        let entry = self.entries.entry(Arc::clone(path)).or_default();
        entry.dropped = 0;
        let newest = entry.group.in_flight().map(|batch| batch.newest);
        if for_content {
            entry.group.rejected_content();
        } else {
            entry.group.failed(Delivery::NotTaken);
        }
        let before = entry.refused.take();
        let since = before.map_or(now, |refused| refused.since);
        let newest = newest.or_else(|| entry.group.newest()).unwrap_or(self.generation);
        let more = entry.group.newest() > Some(newest);
        entry.refused = Some(Refused { newest, since });
        entry.error = Some(error);
        if more {
            self.queue(path);
        }
        before.is_some()
    }

    /// Whether any group has a turn.
    pub(crate) fn has_next(&self) -> bool {
        self.next().is_some()
    }

    /// How many groups have something unacknowledged.
    pub(crate) fn len(&self) -> usize {
        self.entries.values().filter(|entry| entry.open().is_some()).count()
    }

    /// Whether no operation up to that one is under way: each is acknowledged, or refused for good.
    pub(crate) fn is_settled(&self, upto: Generation) -> bool {
        self.entries.values().all(|entry| {
            let Some((oldest, newest)) = entry.open() else { return true };
            let newest = newest.min(upto);
            oldest > upto || entry.refused.is_some_and(|refused| refused.newest >= newest)
        })
    }

    /// The groups of which operations up to that one are not acknowledged, and why, where an
    /// attempt was made.
    pub(crate) fn errors(
        &self,
        upto: Generation,
    ) -> impl Iterator<Item = (&Path, &GroupState, Option<&PushError>)> {
        self.entries
            .iter()
            .filter(move |(_, entry)| entry.open().is_some_and(|(oldest, _)| oldest <= upto))
            .map(|(path, entry)| (path, &entry.group, entry.error.as_ref()))
    }

    /// Whether anything of a group is not acknowledged.
    pub(crate) fn is_unacknowledged(&self, path: &Path) -> bool {
        self.entries.get(path).is_some_and(|entry| entry.open().is_some())
    }

    /// That state of a group is in the spool, from where another process may send it.
    pub(crate) fn spooled(&mut self, path: &Path, state: GroupChange) {
        if let Some(entry) = self.entries.get_mut(path) {
            entry.group.add_unconfirmed(state);
        }
    }

    /// Everything that is not acknowledged.
    pub(crate) fn unacknowledged(&self) -> Vec<Unacknowledged> {
        let unacknowledged = |(path, entry): (&Path, &QueuedGroup)| {
            let (state, created) = entry.group.unacknowledged()?;
            let unconfirmed = entry.group.unconfirmed(&state);
            Some(Unacknowledged { path: Arc::clone(path), state, created, unconfirmed })
        };
        self.entries.iter().filter_map(unacknowledged).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_is_met_by_what_is_gathered_after_it_only() {
        let (mut queue, path) = (Queue::default(), Path::from("/metrics/job/x"));
        let created = SystemTime::UNIX_EPOCH;
        queue.request_gather(&path);
        let (first, began) = (queue.generation(), queue.generation());
        // While the state is gathered somebody wishes for a newer one.
        queue.request_gather(&path);
        let second = queue.generation();
        queue.add_gathered(&path, GroupChange::Delete, created, began);
        assert!(queue.send(&path).is_some() && queue.needs_gather(&path));
        queue.acknowledged(&path);
        assert!(!queue.is_settled(second) && queue.len() == 1, "{first} {queue:?}");
        assert_eq!(queue.next(), Some(&path));
        queue.add_gathered(&path, GroupChange::Delete, created, queue.generation());
        assert!(queue.send(&path).is_some() && !queue.needs_gather(&path));
        queue.acknowledged(&path);
        assert!(queue.is_settled(second) && queue.len() == 0);
    }

    #[test]
    fn what_an_earlier_run_left_comes_last() {
        let mut queue = Queue::default();
        let [unacknowledged, own] = ["/metrics/job/a", "/metrics/job/b"].map(Path::from);
        queue.add_from_earlier_run(&unacknowledged);
        queue.add(&own, GroupChange::Delete, SystemTime::UNIX_EPOCH);
        assert_eq!(queue.next(), Some(&own));
        assert!(queue.send(&own).is_some());
        assert_eq!(queue.next(), Some(&unacknowledged));
        assert!(queue.send(&unacknowledged).is_none() && !queue.has_next());
    }
}
