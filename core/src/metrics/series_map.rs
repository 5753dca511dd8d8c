//! The series of one family: found without a lock, created under one, never moved.
//!
//! The map has two parts. A [`SegmentedVec`] holds the series, in the order of their creation; the
//! number of a series in it is its slot. An index, which is a hash table of atomics, finds the slot
//! for a hash. Both parts only grow, in pieces of memory that stay where they are. So a reader may
//! hold `&Series` for as long as it likes, and neither readers nor creators ever wait for an encode.

use crate::metrics::segmented_vec::SegmentedVec;
use crate::sync::Ordering::{Acquire, Release};
use crate::sync::{AtomicU64, AtomicUsize, Mutex, OnceLock};

/// One table of the index: open addressing with linear probing, its length a power of two.
///
/// An entry is 0 for an empty place; otherwise its upper half is the upper half of a series' hash,
/// and its lower half is the series' slot + 1. An entry is never removed, not even after it was
/// copied to the next table.
type Table = Box<[AtomicU64]>;

/// The number of tables, each twice as long as the one before: enough for 2^32 - 1 series.
const TABLES_MAX: usize = 30;
/// The length of the first table.
const TABLE_MIN: usize = 16;

/// The series of a family.
#[derive(Debug)]
pub(crate) struct SeriesMap<T> {
    series: SegmentedVec<T>,
    tables: [OnceLock<Table>; TABLES_MAX],
    /// Twice the number of the table in use, which new series are entered in. Plus 1 while some
    /// entries of the table before are not copied to it yet, so that readers look into both.
    ///
    /// Written with `Release` after the tables, and read with `Acquire`: a reader that sees the
    /// number finds the tables in the state that the number says.
    state: AtomicUsize,
    /// The number of series.
    ///
    /// Written with `Release` after the series and its entry in the index, and read with `Acquire`:
    /// a reader that sees the number finds the series.
    len: AtomicUsize,
    /// Locked by the one thread that creates a series.
    growth: Mutex<IndexGrowth>,
}

/// The state of the index while it grows to a longer table.
///
/// Each creation of a series does a bounded part of the work, so that no single one pays for all
/// of it: first the next table is allocated bit by bit, then, once it is in use, the entries of the
/// table before are copied bit by bit.
#[derive(Debug, Default)]
struct IndexGrowth {
    /// The part of the next table that is allocated so far.
    next: Vec<AtomicU64>,
    /// How many entries of the table before were copied to the table in use; `None` if all were.
    copied: Option<usize>,
}

/// How many entries one creation allocates, and how many it copies.
///
/// This is enough for a table to be allocated when it is needed, and for the table before to be
/// copied long before the next change. The models use a number with which two creations copy the
/// smallest table.
const ENTRIES_PER_CREATION: usize = if cfg!(prompush_loom) { 8 } else { 128 };

impl<T> SeriesMap<T> {
    pub(crate) fn new() -> Self {
        Self {
            series: SegmentedVec::new(),
            tables: std::array::from_fn(|_| OnceLock::new()),
            state: AtomicUsize::new(0),
            len: AtomicUsize::new(0),
            growth: Mutex::new(IndexGrowth::default()),
        }
    }

    /// The number of series.
    pub(crate) fn len(&self) -> usize {
        self.len.load(Acquire)
    }

    /// The series in `slot`.
    pub(crate) fn get(&self, slot: usize) -> Option<&T> {
        self.series.get(slot)
    }

    /// The series with this hash that `matches` accepts.
    #[inline]
    pub(crate) fn find(&self, hash: u64, matches: impl Fn(&T) -> bool) -> Option<&T> {
        let state = self.state.load(Acquire);
        match self.find_in(state / 2, hash, &matches) {
            None if state % 2 == 1 => self.find_in(state / 2 - 1, hash, &matches),
            found => found,
        }
    }

    #[inline]
    fn find_in(&self, table: usize, hash: u64, matches: &impl Fn(&T) -> bool) -> Option<&T> {
        let table = &**self.tables[table].get()?;
        let tag = hash >> 32;
        let mut at = first_place(tag);
        // A table always has empty places, so this loop ends.
        loop {
            let entry = table[at & (table.len() - 1)].load(Acquire);
            if entry >> 32 == tag
                && let Some(series) = self.series.get(slot_of(entry))
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

    /// The series with this hash that `matches` accepts. If there is none, adds `new`.
    ///
    /// Returns `None` if there is none and the map holds `max` series, or 2^32 - 1, already.
    pub(crate) fn find_or_insert(
        &self,
        hash: u64,
        matches: impl Fn(&T) -> bool,
        max: usize,
        new: T,
    ) -> Option<&T> {
        let mut growth = self.growth.lock();
        if let Some(series) = self.find(hash, matches) {
            return Some(series);
        }
        let slot = self.len();
        if slot >= max {
            return None;
        }
        let entry = (hash >> 32) << 32 | u64::from(u32::try_from(slot + 1).ok()?);
        let series = self.series.set(slot, new)?;
        insert(self.table_for(slot + 1, &mut growth)?, entry);
        self.len.store(slot + 1, Release);
        drop(growth);
        Some(series)
    }

    /// The table for the entry of the `len`th series. Moves the growth of the index on.
    fn table_for(&self, len: usize, growth: &mut IndexGrowth) -> Option<&Table> {
        let number = self.state.load(Acquire) / 2;
        let table = self.tables[number].get_or_init(|| growth.take_table(TABLE_MIN));
        self.copy_some(number, growth);
        let max = entries_max(table.len());
        if len <= max {
            if len >= max - max / 32 {
                growth.allocate(table.len() * 2, ENTRIES_PER_CREATION);
            }
            return Some(table);
        }
        while growth.copied.is_some() {
            self.copy_some(number, growth);
        }
        let length = table.len() * 2;
        let longer = self.tables.get(number + 1)?.get_or_init(|| growth.take_table(length));
        growth.copied = Some(0);
        self.state.store((number + 1) * 2 + 1, Release);
        self.copy_some(number + 1, growth);
        Some(longer)
    }

    /// Copies the next entries of the table before `number` to the table `number`.
    fn copy_some(&self, number: usize, growth: &mut IndexGrowth) {
        let Some(copied) = growth.copied else { return };
        let tables = (self.tables.get(number.wrapping_sub(1)), self.tables.get(number));
        let (Some(from), Some(to)) =
            (tables.0.and_then(OnceLock::get), tables.1.and_then(OnceLock::get))
        else {
            return;
        };
        let end = (copied + ENTRIES_PER_CREATION).min(from.len());
        for entry in &from[copied..end] {
            match entry.load(Acquire) {
                0 => {}
                entry => insert(to, entry),
            }
        }
        growth.copied = (end < from.len()).then_some(end);
        if growth.copied.is_none() {
            self.state.store(number * 2, Release);
        }
    }
}

impl IndexGrowth {
    /// Allocates at most `more` entries of the next table, which will have `length` entries.
    fn allocate(&mut self, length: usize, more: usize) {
        // The reservation only fixes the address. The operating system provides the memory when an
        // entry is first written, which is spread over many creations.
        self.next.reserve_exact(length - self.next.len());
        let more = more.min(length - self.next.len());
        self.next.extend(std::iter::repeat_with(|| AtomicU64::new(0)).take(more));
    }

    /// The next table, with `length` entries.
    fn take_table(&mut self, length: usize) -> Table {
        self.allocate(length, length);
        std::mem::take(&mut self.next).into()
    }
}

/// The number of entries at which a table of this length is full.
///
/// A short table is full at a half, so that a lookup finds its entry at the first probe. A long
/// table is full at four fifths, because its memory counts.
fn entries_max(length: usize) -> usize {
    const SHORT_MAX: usize = 4096;
    if length <= SHORT_MAX { length / 2 } else { length / 5 * 4 }
}

fn insert(table: &Table, entry: u64) {
    let mut at = first_place(entry >> 32);
    while table[at & (table.len() - 1)].load(Acquire) != 0 {
        at += 1;
    }
    // `Release`: a reader that sees the entry finds the series in its slot.
    table[at & (table.len() - 1)].store(entry, Release);
}

/// Where a lookup begins, before it is reduced to the length of the table.
#[inline]
fn first_place(tag: u64) -> usize {
    // A tag has 32 bits, so it fits wherever `usize` has. A table on a smaller machine has fewer
    // places, and a constant in place of the tag would still be correct.
    usize::try_from(tag).unwrap_or(0)
}

/// The slot in an entry. An empty entry gives `usize::MAX`, which no series has.
#[inline]
fn slot_of(entry: u64) -> usize {
    usize::try_from(entry & u64::from(u32::MAX)).unwrap_or(0).wrapping_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

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
