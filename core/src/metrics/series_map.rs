//! The series of one family: found without a lock, created under one, never migrated.
//!
//! Both the slots that hold the series and the index that finds them only grow, in segments that
//! stay where they are: so a reader may hold `&Series` as long as it likes, and neither readers
//! nor creators ever wait for an encode.

use crate::sync::Ordering::{Acquire, Release};
use crate::sync::{AtomicU64, AtomicUsize, Mutex, OnceLock};

/// An append-only array in segments of 8, 8, 16, 32, … up to [`SEGMENT_MAX`], then all of that size.
#[derive(Debug)]
struct SegmentedVec<T> {
    small: [OnceLock<Segment<T>>; SMALL_SEGMENTS],
    large: [OnceLock<SegmentDirectory<T>>; DIRECTORIES_MAX],
}

type Segment<T> = Box<[OnceLock<T>]>;

type SegmentDirectory<T> = Box<[OnceLock<Segment<T>>]>;

const SMALL_SEGMENTS: usize = 8;
const SEGMENT_MIN: usize = 8;
/// A larger segment would make the series that needs it pay for all of its memory at once.
const SEGMENT_MAX: usize = SEGMENT_MIN << (SMALL_SEGMENTS - 1);
/// Each directory is twice as large as the one before: 2^26 segments in all.
const DIRECTORIES_MAX: usize = 20;
const DIRECTORY_MIN: usize = 64;

impl<T> SegmentedVec<T> {
    fn new() -> Self {
        Self {
            small: std::array::from_fn(|_| OnceLock::new()),
            large: std::array::from_fn(|_| OnceLock::new()),
        }
    }

    fn get(&self, slot: usize) -> Option<&T> {
        match SlotAddress::of(slot) {
            SlotAddress::Small { segment, at } => self.small[segment].get()?.get(at)?.get(),
            SlotAddress::Large { directory, segment, at } => {
                self.large.get(directory)?.get()?[segment].get()?[at].get()
            }
        }
    }

    /// Fills an empty slot; `None` beyond the last one there can be.
    fn set(&self, slot: usize, value: T) -> Option<&T> {
        let place = match SlotAddress::of(slot) {
            SlotAddress::Small { segment, at } => {
                &self.small[segment].get_or_init(|| empty(SEGMENT_MIN << segment))[at]
            }
            SlotAddress::Large { directory, segment, at } => {
                let segments = self.large.get(directory)?;
                let segments = segments.get_or_init(|| empty(DIRECTORY_MIN << directory));
                &segments[segment].get_or_init(|| empty(SEGMENT_MAX))[at]
            }
        };
        Some(place.get_or_init(|| value))
    }
}

fn empty<T>(length: usize) -> Box<[OnceLock<T>]> {
    std::iter::repeat_with(OnceLock::new).take(length).collect()
}

enum SlotAddress {
    Small { segment: usize, at: usize },
    Large { directory: usize, segment: usize, at: usize },
}

impl SlotAddress {
    #[inline]
    fn of(slot: usize) -> Self {
        const SMALL: usize = SEGMENT_MIN * ((1 << SMALL_SEGMENTS) - 1);
        if slot < SMALL {
            let (segment, at) = doubling_segment(slot, SEGMENT_MIN);
            Self::Small { segment, at }
        } else {
            let (segment, at) = ((slot - SMALL) / SEGMENT_MAX, (slot - SMALL) % SEGMENT_MAX);
            let (directory, segment) = doubling_segment(segment, DIRECTORY_MIN);
            Self::Large { directory, segment, at }
        }
    }
}

/// Which of the segments of `min`, `2 * min`, `4 * min`, … holds the place, and where in it.
#[inline]
fn doubling_segment(at: usize, min: usize) -> (usize, usize) {
    let segment = (at / min + 1).ilog2() as usize;
    (segment, at - min * ((1 << segment) - 1))
}

/// One table_index of the index: a hash table with open addressing, twice as large as the table_index before.
/// What is entered stays, also when it was migrated to the next table_index.
///
/// An entry is 0, or the upper half of a series' hash beside its slot + 1.
type Table = Box<[AtomicU64]>;

/// At most 2^32 - 1 series.
const TABLES_MAX: usize = 30;
const TABLE_MIN: usize = 16;

/// The series of a family.
#[derive(Debug)]
pub(crate) struct SeriesMap<T> {
    slots: SegmentedVec<T>,
    tables: [OnceLock<Table>; TABLES_MAX],
    /// Twice the number of the table_index that new series are entered in, and 1 while some series are
    /// only in the table_index before. Written with `Release` after the tables, read with `Acquire`: who
    /// sees the number sees the tables as it says.
    state: AtomicUsize,
    /// How many slots are filled. Written with `Release` after the slot and its entry in the index:
    /// who sees the number finds the series.
    len: AtomicUsize,
    /// Creators take their turn.
    rehash_lock: Mutex<Rehash>,
}

/// The way from one table_index of the index to the next, each creator going a bit of it: none pays for
/// the whole.
#[derive(Debug, Default)]
struct Rehash {
    /// The next table, as far as it is made.
    next: Vec<AtomicU64>,
    /// How many places of the table before were migrated to the one in use, if not all.
    migrated: Option<usize>,
}

/// Places of a table that one creator makes, and that one moves: enough for a table to be ready
/// when it is needed, and for the one before to be migrated long before that. A model has two creators
/// move the smallest table.
const ENTRIES_AT_ONCE: usize = if cfg!(prompush_loom) { 8 } else { 128 };

impl<T> SeriesMap<T> {
    pub(crate) fn new() -> Self {
        Self {
            slots: SegmentedVec::new(),
            tables: std::array::from_fn(|_| OnceLock::new()),
            state: AtomicUsize::new(0),
            len: AtomicUsize::new(0),
            rehash_lock: Mutex::new(Rehash::default()),
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
    pub(crate) fn find(&self, hash: u64, matches: impl Fn(&T) -> bool) -> Option<&T> {
        let state = self.state.load(Acquire);
        match self.find_in(state / 2, hash, &matches) {
            None if state % 2 == 1 => self.find_in(state / 2 - 1, hash, &matches),
            found => found,
        }
    }

    #[inline]
    fn find_in(&self, table_index: usize, hash: u64, matches: &impl Fn(&T) -> bool) -> Option<&T> {
        let table = &**self.tables[table_index].get()?;
        let tag = hash >> 32;
        let mut at = start(tag);
        // A table always has empty places, so that this ends.
        loop {
            let entry = table[at & (table.len() - 1)].load(Acquire);
            if entry >> 32 == tag
                && let Some(series) = self.slots.get(slot_of(entry))
                && matches(series)
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
        matches: impl Fn(&T) -> bool,
        max: usize,
        new: T,
    ) -> Option<&T> {
        let mut rehash = self.rehash_lock.lock();
        if let Some(series) = self.find(hash, matches) {
            return Some(series);
        }
        let slot = self.len();
        if slot >= max {
            return None;
        }
        let entry = (hash >> 32) << 32 | u64::from(u32::try_from(slot + 1).ok()?);
        let series = self.slots.set(slot, new)?;
        insert(self.table_for(slot + 1, &mut rehash)?, entry);
        self.len.store(slot + 1, Release);
        drop(rehash);
        Some(series)
    }

    /// The table that the `len`th series is to be entered in.
    fn table_for(&self, len: usize, rehash: &mut Rehash) -> Option<&Table> {
        let table_index = self.state.load(Acquire) / 2;
        let table = self.tables[table_index].get_or_init(|| rehash.next_table(TABLE_MIN));
        self.migrate_some(table_index, rehash);
        let entries_max = entries_max(table.len());
        if len <= entries_max {
            if len >= entries_max - entries_max / 32 {
                rehash.allocate_some(table.len() * 2, ENTRIES_AT_ONCE);
            }
            return Some(table);
        }
        while rehash.migrated.is_some() {
            self.migrate_some(table_index, rehash);
        }
        let places = table.len() * 2;
        let larger = self.tables.get(table_index + 1)?.get_or_init(|| rehash.next_table(places));
        rehash.migrated = Some(0);
        self.state.store((table_index + 1) * 2 + 1, Release);
        self.migrate_some(table_index + 1, rehash);
        Some(larger)
    }

    /// Goes on moving the series of the table_index before `table_index` to it.
    fn migrate_some(&self, table_index: usize, rehash: &mut Rehash) {
        let Some(migrated) = rehash.migrated else { return };
        let tables = (self.tables.get(table_index.wrapping_sub(1)), self.tables.get(table_index));
        let (Some(from), Some(to)) =
            (tables.0.and_then(OnceLock::get), tables.1.and_then(OnceLock::get))
        else {
            return;
        };
        let end = (migrated + ENTRIES_AT_ONCE).min(from.len());
        for entry in &from[migrated..end] {
            match entry.load(Acquire) {
                0 => {}
                entry => insert(to, entry),
            }
        }
        rehash.migrated = (end < from.len()).then_some(end);
        if rehash.migrated.is_none() {
            self.state.store(table_index * 2, Release);
        }
    }
}

impl Rehash {
    /// Makes at most `more` of the `places` of the next table.
    fn allocate_some(&mut self, places: usize, more: usize) {
        // Nothing but its address is fixed here: the memory is touched as it is made.
        self.next.reserve_exact(places - self.next.len());
        let more = more.min(places - self.next.len());
        self.next.extend(std::iter::repeat_with(|| AtomicU64::new(0)).take(more));
    }

    /// The next table, which has so many places.
    fn next_table(&mut self, places: usize) -> Table {
        self.allocate_some(places, places);
        std::mem::take(&mut self.next).into()
    }
}

/// How many entries a table may have: a small one half of its places, so that a look finds at once
/// what it looks for; a large one four fifths, because its memory counts.
fn entries_max(places: usize) -> usize {
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
        let mut segments = std::collections::BTreeMap::<_, Vec<usize>>::new();
        for slot in 0..200_000 {
            let (key, size, at) = match SlotAddress::of(slot) {
                SlotAddress::Small { segment, at } => {
                    ((usize::MAX, segment), SEGMENT_MIN << segment, at)
                }
                SlotAddress::Large { directory, segment, at } => {
                    assert!(segment < DIRECTORY_MIN << directory);
                    ((directory, segment), SEGMENT_MAX, at)
                }
            };
            assert!(at < size, "slot {slot}");
            segments.entry(key).or_default().push(at);
        }
        for places in segments.values() {
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
