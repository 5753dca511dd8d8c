//! What one gateway has yet to be told, group by group: pure, and told by the worker what happened.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use crate::background::group_state::{Batch, Fate, Generation, Slot};
use crate::error::PushError;
use crate::payload::change::Pending;

/// The path of a group.
pub(crate) type Path = Arc<str>;

/// The groups of which a gateway has not acknowledged everything.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    entries: BTreeMap<Path, Entry>,
    /// Whose turn it is to be sent. What failed goes to the end.
    turns: Turns,
    /// Groups of which an earlier run has left something: sent when nothing else is to be.
    left_behind: Turns,
    generation: Generation,
}

/// Paths in the order in which they came, each once.
#[derive(Debug, Default)]
struct Turns {
    by_number: BTreeMap<u64, Path>,
    numbers: BTreeMap<Path, u64>,
    /// How many have ever come.
    count: u64,
}

#[derive(Debug, Default)]
struct Entry {
    slot: Slot,
    /// The oldest and the newest wish for a state that is still to be gathered.
    wanted: Option<(Generation, Generation)>,
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
pub(crate) struct Sending {
    pub(crate) batch: Batch,
    /// Connections in a row that the gateway closed after a whole body of this group.
    pub(crate) dropped: u32,
    /// Whether it repeats an attempt that failed.
    pub(crate) again: bool,
}

/// A state that no gateway has acknowledged.
#[derive(Debug)]
pub(crate) struct Left {
    pub(crate) path: Path,
    pub(crate) state: Pending,
    /// When its newest part was made.
    pub(crate) made: SystemTime,
    /// Other states that the gateway may have taken, or may still take.
    pub(crate) doubts: Vec<Pending>,
}

impl Turns {
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

impl Entry {
    /// The oldest and the newest operation that is not acknowledged.
    fn open(&self) -> Option<(Generation, Generation)> {
        let of_slot = self.slot.oldest().zip(self.slot.newest());
        let both = of_slot.into_iter().chain(self.wanted);
        both.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    }
}

impl Queue {
    /// Adds an operation; it is sent as soon as it is its turn.
    pub(crate) fn add(&mut self, path: &Path, state: Pending, made: SystemTime) {
        self.generation += 1;
        self.add_gathered(path, state, made, self.generation);
    }

    /// Somebody wants the state of a group that is gathered from now on.
    pub(crate) fn want(&mut self, path: &Path) {
        self.generation += 1;
        let entry = self.entries.entry(Arc::clone(path)).or_default();
        let oldest = entry.wanted.map_or(self.generation, |(oldest, _)| oldest);
        entry.wanted = Some((oldest, self.generation));
        self.queue(path);
    }

    /// The number of the newest operation or wish.
    pub(crate) fn generation(&self) -> Generation {
        self.generation
    }

    /// Whether a state of that group is still to be gathered.
    pub(crate) fn is_wanted(&self, path: &Path) -> bool {
        self.entries.get(path).is_some_and(|entry| entry.wanted.is_some())
    }

    /// Adds the state of a group whose gathering began when `generation` was the newest operation.
    pub(crate) fn add_gathered(
        &mut self,
        path: &Path,
        state: Pending,
        made: SystemTime,
        generation: Generation,
    ) {
        // 0 is before all operations.
        let generation = generation.max(1);
        let entry = self.entries.entry(Arc::clone(path)).or_default();
        let (oldest, _) = entry.wanted.unwrap_or((generation, generation));
        entry.wanted = entry.wanted.filter(|(_, newest)| *newest > generation);
        let batch = Batch { oldest: oldest.min(generation), ..Batch::new(state, made, generation) };
        entry.slot.add(batch);
        self.queue(path);
    }

    /// Gives a group a turn, though it may have nothing to send yet.
    pub(crate) fn queue(&mut self, path: &Path) {
        self.turns.push(path);
    }

    /// Gives all groups a turn, also those that were refused. Returns the newest operation's number.
    pub(crate) fn queue_all(&mut self) -> Generation {
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
    pub(crate) fn add_left_behind(&mut self, path: &Path) {
        self.left_behind.push(path);
    }

    /// Leaves what earlier runs have left to later ones.
    pub(crate) fn own_only(&mut self) {
        self.left_behind = Turns::default();
    }

    /// Whose turn it is.
    pub(crate) fn next(&self) -> Option<&Path> {
        self.turns.first().or_else(|| self.left_behind.first())
    }

    /// Takes that group's turn away and says what to send of it.
    pub(crate) fn send(&mut self, path: &Path) -> Option<Sending> {
        self.turns.remove(path);
        self.left_behind.remove(path);
        let entry = self.entries.get_mut(path)?;
        let batch = entry.slot.send()?.clone();
        let again = entry.error.is_some() && entry.refused.is_none();
        Some(Sending { batch, dropped: entry.dropped, again })
    }

    /// The gateway has acknowledged what was sent of that group. Returns it and since when the
    /// group had been refused; `None` where it is to be sent once more.
    pub(crate) fn acknowledged(&mut self, path: &Path) -> Option<(Batch, Option<Instant>)> {
        let entry = self.entries.get_mut(path)?;
        entry.dropped = 0;
        let taken = entry.slot.acknowledged();
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
    pub(crate) fn failed(&mut self, path: &Path, fate: Fate, dropped: u32, error: PushError) {
        let Some(entry) = self.entries.get_mut(path) else { return };
        entry.dropped = dropped;
        entry.error = Some(error);
        entry.slot.failed(fate);
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
        self.turns.remove(path);
        let entry = self.entries.entry(Arc::clone(path)).or_default();
        entry.dropped = 0;
        let newest = entry.slot.in_flight().map(|batch| batch.newest);
        if for_content {
            entry.slot.refused_for_content();
        } else {
            entry.slot.failed(Fate::NotTaken);
        }
        let before = entry.refused.take();
        let since = before.map_or(now, |refused| refused.since);
        let newest = newest.or_else(|| entry.slot.newest()).unwrap_or(self.generation);
        let more = entry.slot.newest() > Some(newest);
        entry.refused = Some(Refused { newest, since });
        entry.error = Some(error);
        if more {
            self.queue(path);
        }
        before.is_some()
    }

    /// Whether any group has a turn.
    pub(crate) fn has_turns(&self) -> bool {
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
    ) -> impl Iterator<Item = (&Path, &Slot, Option<&PushError>)> {
        self.entries
            .iter()
            .filter(move |(_, entry)| entry.open().is_some_and(|(oldest, _)| oldest <= upto))
            .map(|(path, entry)| (path, &entry.slot, entry.error.as_ref()))
    }

    /// Whether anything of a group is not acknowledged.
    pub(crate) fn is_open(&self, path: &Path) -> bool {
        self.entries.get(path).is_some_and(|entry| entry.open().is_some())
    }

    /// That state of a group is in the spool, from where another process may send it.
    pub(crate) fn kept(&mut self, path: &Path, state: Pending) {
        if let Some(entry) = self.entries.get_mut(path) {
            entry.slot.doubt(state);
        }
    }

    /// Everything that is not acknowledged.
    pub(crate) fn left(&self) -> Vec<Left> {
        let left = |(path, entry): (&Path, &Entry)| {
            let (state, made) = entry.slot.unacknowledged()?;
            let doubts = entry.slot.doubts(&state);
            Some(Left { path: Arc::clone(path), state, made, doubts })
        };
        self.entries.iter().filter_map(left).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_is_met_by_what_is_gathered_after_it_only() {
        let (mut queue, path) = (Queue::default(), Path::from("/metrics/job/x"));
        let made = SystemTime::UNIX_EPOCH;
        queue.want(&path);
        let (first, began) = (queue.generation(), queue.generation());
        // While the state is gathered somebody wishes for a newer one.
        queue.want(&path);
        let second = queue.generation();
        queue.add_gathered(&path, Pending::Delete, made, began);
        assert!(queue.send(&path).is_some() && queue.is_wanted(&path));
        queue.acknowledged(&path);
        assert!(!queue.is_settled(second) && queue.len() == 1, "{first} {queue:?}");
        assert_eq!(queue.next(), Some(&path));
        queue.add_gathered(&path, Pending::Delete, made, queue.generation());
        assert!(queue.send(&path).is_some() && !queue.is_wanted(&path));
        queue.acknowledged(&path);
        assert!(queue.is_settled(second) && queue.len() == 0);
    }

    #[test]
    fn what_an_earlier_run_left_comes_last() {
        let mut queue = Queue::default();
        let [left, own] = ["/metrics/job/a", "/metrics/job/b"].map(Path::from);
        queue.add_left_behind(&left);
        queue.add(&own, Pending::Delete, SystemTime::UNIX_EPOCH);
        assert_eq!(queue.next(), Some(&own));
        assert!(queue.send(&own).is_some());
        assert_eq!(queue.next(), Some(&left));
        assert!(queue.send(&left).is_none() && !queue.has_turns());
    }
}
