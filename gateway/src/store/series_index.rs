//! An index that finds the part of a metric family with a certain series.

use std::collections::HashMap;

/// The position of a group's part in its family. It stays the same for as long as the part exists.
pub(crate) type PartIndex = usize;

/// Finds the part that has a series by the hash of the labels.
///
/// Different series may have equal hashes, so a caller compares the labels of the parts that it finds.
#[derive(Debug, Default)]
pub(crate) struct SeriesIndex {
    parts: HashMap<u64, PartIndex, foldhash::fast::RandomState>,
    /// Further series with a hash that is already in `parts`. Practically there are none.
    collisions: Vec<(u64, PartIndex)>,
}

impl SeriesIndex {
    /// Adds a series of `part`.
    pub(crate) fn insert(&mut self, hash: u64, part: PartIndex) {
        if let Some(other) = self.parts.insert(hash, part) {
            self.collisions.push((hash, other));
        }
    }

    /// Removes a series of `part`.
    pub(crate) fn remove(&mut self, hash: u64, part: PartIndex) {
        let entry = (hash, part);
        if let Some(at) = self.collisions.iter().position(|collision| *collision == entry) {
            self.collisions.swap_remove(at);
            return;
        }
        self.parts.remove(&hash);
        // If another series has the same hash, it takes the free place.
        let next = self.collisions.iter().position(|(other, _)| *other == hash);
        if let Some((_, part)) = next.map(|at| self.collisions.swap_remove(at)) {
            self.parts.insert(hash, part);
        }
    }

    /// The parts that have a series with that hash.
    pub(crate) fn parts_with(&self, hash: u64) -> impl Iterator<Item = PartIndex> {
        let first = self.parts.get(&hash).copied();
        // Without a first part there are no collisions either, and the search is skipped.
        let collisions = if first.is_some() { self.collisions.as_slice() } else { &[] };
        let further = collisions.iter().filter(move |(other, _)| *other == hash);
        first.into_iter().chain(further.map(|(_, part)| *part))
    }

    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        self.parts.is_empty() && self.collisions.is_empty()
    }
}
