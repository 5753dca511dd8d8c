//! The series of one family: found without a lock, created under one, never moved.
//!
//! Both the slots that hold the series and the index that finds them only grow, in pieces that
//! stay where they are: so a reader may hold `&Series` as long as it likes, and neither readers
//! nor creators ever wait for an encode.

use crate::sync::Ordering::{Acquire, Release};
use crate::sync::{AtomicU64, AtomicUsize, Mutex, OnceLock};

/// An append-only array in pieces of 8, 8, 16, 32, … up to [`PIECE_MAX`], then all of that size.
#[derive(Debug)]
struct Slots<T> {
    small: [OnceLock<Piece<T>>; SMALL_PIECES],
    large: [OnceLock<Directory<T>>; LARGE_DIRECTORIES],
}

type Piece<T> = Box<[OnceLock<T>]>;

type Directory<T> = Box<[OnceLock<Piece<T>>]>;

const SMALL_PIECES: usize = 8;
const PIECE_MIN: usize = 8;
/// A larger piece would make the series that needs it pay for all of its memory at once.
const PIECE_MAX: usize = PIECE_MIN << (SMALL_PIECES - 1);
/// Each directory is twice as large as the one before: 2^26 pieces in all.
const LARGE_DIRECTORIES: usize = 20;
const DIRECTORY_MIN: usize = 64;

impl<T> Slots<T> {
    fn new() -> Self {
        Self {
            small: std::array::from_fn(|_| OnceLock::new()),
            large: std::array::from_fn(|_| OnceLock::new()),
        }
    }

    fn get(&self, slot: usize) -> Option<&T> {
        match Place::of(slot) {
            Place::Small { piece, at } => self.small[piece].get()?.get(at)?.get(),
            Place::Large { directory, piece, at } => {
                self.large.get(directory)?.get()?[piece].get()?[at].get()
            }
        }
    }

    /// Fills an empty slot; `None` beyond the last one there can be.
    fn set(&self, slot: usize, value: T) -> Option<&T> {
        let place = match Place::of(slot) {
            Place::Small { piece, at } => {
                &self.small[piece].get_or_init(|| empty(PIECE_MIN << piece))[at]
            }
            Place::Large { directory, piece, at } => {
                let pieces = self.large.get(directory)?;
                let pieces = pieces.get_or_init(|| empty(DIRECTORY_MIN << directory));
                &pieces[piece].get_or_init(|| empty(PIECE_MAX))[at]
            }
        };
        Some(place.get_or_init(|| value))
    }
}

fn empty<T>(length: usize) -> Box<[OnceLock<T>]> {
    std::iter::repeat_with(OnceLock::new).take(length).collect()
}

enum Place {
    Small { piece: usize, at: usize },
    Large { directory: usize, piece: usize, at: usize },
}

impl Place {
    #[inline]
    fn of(slot: usize) -> Self {
        const SMALL: usize = PIECE_MIN * ((1 << SMALL_PIECES) - 1);
        if slot < SMALL {
            let (piece, at) = doubling(slot, PIECE_MIN);
            Self::Small { piece, at }
        } else {
            let (of_all, at) = ((slot - SMALL) / PIECE_MAX, (slot - SMALL) % PIECE_MAX);
            let (directory, piece) = doubling(of_all, DIRECTORY_MIN);
            Self::Large { directory, piece, at }
        }
    }
}

/// Which of the pieces of `min`, `2 * min`, `4 * min`, … holds the place, and where in it.
#[inline]
fn doubling(at: usize, min: usize) -> (usize, usize) {
    let piece = (at / min + 1).ilog2() as usize;
    (piece, at - min * ((1 << piece) - 1))
}

/// One step of the index: a hash table with open addressing, twice as large as the step before.
/// What is entered stays, also when it was moved to the next step.
///
/// An entry is 0, or the upper half of a series' hash beside its slot + 1.
type Table = Box<[AtomicU64]>;

/// At most 2^32 - 1 series.
const STEPS: usize = 30;
const TABLE_MIN: usize = 16;

/// The series of a family.
#[derive(Debug)]
pub(crate) struct SeriesMap<T> {
    slots: Slots<T>,
    steps: [OnceLock<Table>; STEPS],
    /// Twice the number of the step that new series are entered in, and 1 while some series are
    /// only in the step before. Written with `Release` after the tables, read with `Acquire`: who
    /// sees the number sees the tables as it says.
    state: AtomicUsize,
    /// How many slots are filled. Written with `Release` after the slot and its entry in the index:
    /// who sees the number finds the series.
    len: AtomicUsize,
    /// Creators take their turn.
    creating: Mutex<Growth>,
}

/// The way from one step of the index to the next, each creator going a bit of it: none pays for
/// the whole.
#[derive(Debug, Default)]
struct Growth {
    /// The next table, as far as it is made.
    next: Vec<AtomicU64>,
    /// How many places of the table before were moved to the one in use, if not all.
    moved: Option<usize>,
}

/// Places of a table that one creator makes, and that one moves: enough for a table to be ready
/// when it is needed, and for the one before to be moved long before that. A model has two creators
/// move the smallest table.
const PLACES_AT_ONCE: usize = if cfg!(prompush_loom) { 8 } else { 128 };

impl<T> SeriesMap<T> {
    pub(crate) fn new() -> Self {
        Self {
            slots: Slots::new(),
            steps: std::array::from_fn(|_| OnceLock::new()),
            state: AtomicUsize::new(0),
            len: AtomicUsize::new(0),
            creating: Mutex::new(Growth::default()),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len.load(Acquire)
    }

    pub(crate) fn get(&self, slot: usize) -> Option<&T> {
        self.slots.get(slot)
    }

    /// The series with this hash for which `is` holds.
    #[inline]
    pub(crate) fn find(&self, hash: u64, is: impl Fn(&T) -> bool) -> Option<&T> {
        let state = self.state.load(Acquire);
        match self.find_in(state / 2, hash, &is) {
            None if state % 2 == 1 => self.find_in(state / 2 - 1, hash, &is),
            found => found,
        }
    }

    #[inline]
    fn find_in(&self, step: usize, hash: u64, is: &impl Fn(&T) -> bool) -> Option<&T> {
        let table = &**self.steps[step].get()?;
        let tag = hash >> 32;
        let mut at = start(tag);
        // A table always has empty places, so that this ends.
        loop {
            let entry = table[at & (table.len() - 1)].load(Acquire);
            if entry >> 32 == tag
                && let Some(series) = self.slots.get(slot_of(entry))
                && is(series)
            {
                return Some(series);
            }
            if entry == 0 {
                return None;
            }
            at += 1;
        }
    }

    /// The series with this hash for which `is` holds, or else `new`, if there is room: `None`
    /// when `max` series exist, or 2^32 - 1.
    pub(crate) fn find_or_insert(
        &self,
        hash: u64,
        is: impl Fn(&T) -> bool,
        max: usize,
        new: T,
    ) -> Option<&T> {
        let mut growth = self.creating.lock();
        if let Some(series) = self.find(hash, is) {
            return Some(series);
        }
        let slot = self.len();
        if slot >= max {
            return None;
        }
        let entry = (hash >> 32) << 32 | u64::from(u32::try_from(slot + 1).ok()?);
        let series = self.slots.set(slot, new)?;
        insert(self.table_for(slot + 1, &mut growth)?, entry);
        self.len.store(slot + 1, Release);
        drop(growth);
        Some(series)
    }

    /// The table that the `len`th series is to be entered in.
    fn table_for(&self, len: usize, growth: &mut Growth) -> Option<&Table> {
        let step = self.state.load(Acquire) / 2;
        let table = self.steps[step].get_or_init(|| growth.next_table(TABLE_MIN));
        self.move_some(step, growth);
        let filled_max = filled_max(table.len());
        if len <= filled_max {
            if len >= filled_max - filled_max / 32 {
                growth.make_some(table.len() * 2, PLACES_AT_ONCE);
            }
            return Some(table);
        }
        while growth.moved.is_some() {
            self.move_some(step, growth);
        }
        let places = table.len() * 2;
        let larger = self.steps.get(step + 1)?.get_or_init(|| growth.next_table(places));
        growth.moved = Some(0);
        self.state.store((step + 1) * 2 + 1, Release);
        self.move_some(step + 1, growth);
        Some(larger)
    }

    /// Goes on moving the series of the step before `step` to it.
    fn move_some(&self, step: usize, growth: &mut Growth) {
        let Some(moved) = growth.moved else { return };
        let tables = (self.steps.get(step.wrapping_sub(1)), self.steps.get(step));
        let (Some(from), Some(to)) =
            (tables.0.and_then(OnceLock::get), tables.1.and_then(OnceLock::get))
        else {
            return;
        };
        let end = (moved + PLACES_AT_ONCE).min(from.len());
        for entry in &from[moved..end] {
            match entry.load(Acquire) {
                0 => {}
                entry => insert(to, entry),
            }
        }
        growth.moved = (end < from.len()).then_some(end);
        if growth.moved.is_none() {
            self.state.store(step * 2, Release);
        }
    }
}

impl Growth {
    /// Makes at most `more` of the `places` of the next table.
    fn make_some(&mut self, places: usize, more: usize) {
        // Nothing but its address is fixed here: the memory is touched as it is made.
        self.next.reserve_exact(places - self.next.len());
        let more = more.min(places - self.next.len());
        self.next.extend(std::iter::repeat_with(|| AtomicU64::new(0)).take(more));
    }

    /// The next table, which has so many places.
    fn next_table(&mut self, places: usize) -> Table {
        self.make_some(places, places);
        std::mem::take(&mut self.next).into()
    }
}

/// How many entries a table may have: a small one half of its places, so that a look finds at once
/// what it looks for; a large one four fifths, because its memory counts.
fn filled_max(places: usize) -> usize {
    const SMALL_MAX: usize = 4096;
    if places <= SMALL_MAX { places / 2 } else { places / 5 * 4 }
}

fn insert(table: &Table, entry: u64) {
    let mut at = start(entry >> 32);
    while table[at & (table.len() - 1)].load(Acquire) != 0 {
        at += 1;
    }
    // `Release`: who sees the entry sees the slot it points to.
    table[at & (table.len() - 1)].store(entry, Release);
}

/// Where to begin to look in a table, whose length is a power of two.
#[inline]
fn start(tag: u64) -> usize {
    // A tag has 32 bits, and a table fewer places: cutting the number on a smaller machine would
    // do no harm.
    usize::try_from(tag).unwrap_or(0)
}

/// The slot of an entry; none has the one that an empty entry gives.
#[inline]
fn slot_of(entry: u64) -> usize {
    usize::try_from(entry & u64::from(u32::MAX)).unwrap_or(0).wrapping_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_unique_and_in_bounds() {
        let mut pieces = std::collections::BTreeMap::<_, Vec<usize>>::new();
        for slot in 0..200_000 {
            let (key, size, at) = match Place::of(slot) {
                Place::Small { piece, at } => ((usize::MAX, piece), PIECE_MIN << piece, at),
                Place::Large { directory, piece, at } => {
                    assert!(piece < DIRECTORY_MIN << directory);
                    ((directory, piece), PIECE_MAX, at)
                }
            };
            assert!(at < size, "slot {slot}");
            pieces.entry(key).or_default().push(at);
        }
        for places in pieces.values() {
            assert!(places.iter().copied().eq(0..places.len()));
        }
    }

    #[test]
    fn every_series_is_found_again_also_when_hashes_collide() {
        let map = SeriesMap::new();
        for value in 0_u64..5000 {
            let hash = (value % 7) << 32;
            let created = map.find_or_insert(hash, |found| *found == value, 5000, value);
            assert_eq!(created, Some(&value));
        }
        assert_eq!(map.len(), 5000);
        assert_eq!(map.find_or_insert(0, |found| *found == 5000, 5000, 5000), None);
        for value in 0_u64..5000 {
            assert_eq!(map.find((value % 7) << 32, |found| *found == value), Some(&value));
        }
        assert_eq!(map.find(0, |found| *found == 5000), None);
    }

    #[test]
    fn many_threads_create_each_series_once() {
        let map = SeriesMap::new();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for value in 0_u64..2000 {
                        let hash = value.wrapping_mul(0x9E37_79B9_7F4A_7C15);
                        map.find_or_insert(hash, |found| *found == value, 9999, value);
                    }
                });
            }
        });
        assert_eq!(map.len(), 2000);
    }
}
