//! An append-only array that readers use without a lock, and whose elements never move.

use crate::sync::OnceLock;

/// An append-only array, kept in segments.
///
/// The first segments hold 8, 16, 32, … up to [`SEGMENT_MAX`] elements, and all further ones
/// [`SEGMENT_MAX`]. A segment stays where it is once it is allocated, so a reader may hold a `&T` for
/// as long as it likes. Directories hold the segments of full size. They are of fixed size too, each
/// twice as large as the one before.
#[derive(Debug)]
pub(crate) struct SegmentedVec<T> {
    small: [OnceLock<Segment<T>>; SMALL_SEGMENTS],
    large: [OnceLock<Directory<T>>; DIRECTORIES_MAX],
}

type Segment<T> = Box<[OnceLock<T>]>;

type Directory<T> = Box<[OnceLock<Segment<T>>]>;

const SMALL_SEGMENTS: usize = 8;
/// The length of the first segment.
const SEGMENT_MIN: usize = 8;
/// The largest length of a segment. One caller of [`SegmentedVec::set`] pays for the memory of a
/// whole segment, so a longer segment would make that one call slow.
const SEGMENT_MAX: usize = SEGMENT_MIN << (SMALL_SEGMENTS - 1);
/// The number of directories. All together hold 2^26 segments.
const DIRECTORIES_MAX: usize = 20;
/// The number of segments in the first directory.
const DIRECTORY_MIN: usize = 64;

impl<T> SegmentedVec<T> {
    pub(crate) fn new() -> Self {
        Self {
            small: std::array::from_fn(|_| OnceLock::new()),
            large: std::array::from_fn(|_| OnceLock::new()),
        }
    }

    /// The element at `index`, if it is set.
    pub(crate) fn get(&self, index: usize) -> Option<&T> {
        match Address::of(index) {
            Address::Small { segment, at } => self.small[segment].get()?.get(at)?.get(),
            Address::Large { directory, segment, at } => {
                self.large.get(directory)?.get()?[segment].get()?[at].get()
            }
        }
    }

    /// Sets the element at `index`, which must not be set yet. Returns `None` if `index` is beyond
    /// the last segment of the last directory.
    pub(crate) fn set(&self, index: usize, value: T) -> Option<&T> {
        let element = match Address::of(index) {
            Address::Small { segment, at } => {
                &self.small[segment].get_or_init(|| unset(SEGMENT_MIN << segment))[at]
            }
            Address::Large { directory, segment, at } => {
                let segments = self.large.get(directory)?;
                let segments = segments.get_or_init(|| unset(DIRECTORY_MIN << directory));
                &segments[segment].get_or_init(|| unset(SEGMENT_MAX))[at]
            }
        };
        Some(element.get_or_init(|| value))
    }
}

fn unset<T>(length: usize) -> Box<[OnceLock<T>]> {
    std::iter::repeat_with(OnceLock::new).take(length).collect()
}

/// Where an element stands.
enum Address {
    Small { segment: usize, at: usize },
    Large { directory: usize, segment: usize, at: usize },
}

impl Address {
    #[inline]
    fn of(index: usize) -> Self {
        /// The number of elements in all small segments together.
        const SMALL: usize = SEGMENT_MIN * ((1 << SMALL_SEGMENTS) - 1);
        if index < SMALL {
            let (segment, at) = find_in_doubling(index, SEGMENT_MIN);
            Self::Small { segment, at }
        } else {
            let (segment, at) = ((index - SMALL) / SEGMENT_MAX, (index - SMALL) % SEGMENT_MAX);
            let (directory, segment) = find_in_doubling(segment, DIRECTORY_MIN);
            Self::Large { directory, segment, at }
        }
    }
}

/// For consecutive arrays of `min`, `2 * min`, `4 * min`, … elements: the number of the array that
/// holds the element `index`, and the element's index in that array.
#[inline]
fn find_in_doubling(index: usize, min: usize) -> (usize, usize) {
    let array = (index / min + 1).ilog2() as usize;
    (array, index - min * ((1 << array) - 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_unique_and_in_bounds() {
        let mut segments = std::collections::BTreeMap::<_, Vec<usize>>::new();
        for slot in 0..200_000 {
            let (key, size, at) = match Address::of(slot) {
                Address::Small { segment, at } => {
                    ((usize::MAX, segment), SEGMENT_MIN << segment, at)
                }
                Address::Large { directory, segment, at } => {
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
}
