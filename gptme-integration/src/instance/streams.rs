//! The last value of every stream of points.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use super::drops::DropCause;
use super::families::{Cells, Place};
use crate::otlp::{Metric, Point};

/// Most streams whose last value is kept.
const FOLLOWED_MAX: usize = 16_384;
/// Most streams beyond those of which is known that they were there.
const SEEN_MAX: usize = 262_144;

/// What tells a stream from others: a keyed hash of 64 bits, of which two among so few are the
/// same once in a hundred billion instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StreamId(u64);

/// A value that came, with its time.
#[derive(Clone, Debug)]
pub(super) struct Arrival {
    pub(super) id: StreamId,
    pub(super) place: Place,
    pub(super) sender: u64,
    pub(super) start: u64,
    pub(super) time: u64,
    pub(super) cells: Cells,
}

/// All streams of an instance.
#[derive(Debug, Default)]
pub(super) struct Streams {
    hasher: RandomState,
    places: HashMap<u64, usize>,
    followed: Vec<Stream>,
    /// Streams beyond `FOLLOWED_MAX`.
    seen: HashSet<u64>,
}

#[derive(Debug)]
struct Stream {
    place: Place,
    /// Who sent the last value.
    sender: u64,
    start: u64,
    time: u64,
    /// What the stream adds to its series; nothing for deltas.
    last: Cells,
}

impl Streams {
    /// The stream of a point; with `start`, points that have another one are another stream.
    pub(super) fn id(
        &self,
        metric: &Metric<'_>,
        point: &Point<'_>,
        start: Option<u64>,
    ) -> StreamId {
        let attributes: Vec<(&str, &str)> =
            point.attributes.iter().map(|attribute| (attribute.key, &*attribute.value)).collect();
        let Metric { resource, scope, name, kind, temporality, .. } = *metric;
        StreamId(self.hasher.hash_one((
            (resource, scope, name),
            (kind, temporality),
            attributes,
            start,
        )))
    }

    /// Takes the value of something that only grows. What has to be added to its series for good
    /// comes back: the value before a restart, and all of it where the stream is not followed.
    ///
    /// # Errors
    /// Where the value does not count.
    pub(super) fn cumulative(&mut self, arrival: Arrival) -> Result<Cells, DropCause> {
        if let Some(stream) = self.find(arrival.id) {
            if growth(&arrival.cells) >= growth(&stream.last) {
                stream.time = stream.time.max(arrival.time);
                stream.sender = arrival.sender;
                stream.last = arrival.cells;
                return Ok(Cells::new());
            }
            // A process that restarts has another start; one that forked has the same.
            let is_forked = arrival.start != 0 && arrival.sender != stream.sender;
            if is_forked || arrival.time < stream.time {
                return Err(DropCause::Repeated);
            }
            stream.time = arrival.time;
            return Ok(std::mem::replace(&mut stream.last, arrival.cells));
        }
        match self.follow(arrival) {
            Ok(()) => Ok(Cells::new()),
            Err(arrival) if self.seen.contains(&arrival.id.0) => Err(DropCause::StreamLimit),
            Err(_) if self.seen.len() >= SEEN_MAX => Err(DropCause::StreamLimit),
            Err(arrival) => {
                self.seen.insert(arrival.id.0);
                Ok(arrival.cells)
            }
        }
    }

    /// Takes a value that goes up and down.
    ///
    /// # Errors
    /// Where the value does not count.
    pub(super) fn up_and_down(&mut self, arrival: Arrival) -> Result<(), DropCause> {
        match self.find(arrival.id) {
            Some(stream) => {
                stream.last = arrival.cells;
                Ok(())
            }
            None => self.follow(arrival).map_err(|_| DropCause::StreamLimit),
        }
    }

    /// Takes what came since the value before; it has to be added to its series for good.
    ///
    /// # Errors
    /// Where it came before.
    pub(super) fn delta(&mut self, mut arrival: Arrival) -> Result<Cells, DropCause> {
        let cells = std::mem::take(&mut arrival.cells);
        match self.find(arrival.id) {
            Some(stream) => {
                let interval = (arrival.start, arrival.time);
                if arrival.time != 0 && (stream.start, stream.time) == interval {
                    return Err(DropCause::Repeated);
                }
                (stream.start, stream.time) = interval;
            }
            // One that is not followed cannot be told from its repetition.
            None => self.follow(arrival).unwrap_or_default(),
        }
        Ok(cells)
    }

    /// What each stream adds to its series, in the order in which they came.
    pub(super) fn values(&self) -> impl Iterator<Item = (Place, &Cells)> {
        self.followed.iter().map(|stream| (stream.place, &stream.last))
    }

    fn find(&mut self, id: StreamId) -> Option<&mut Stream> {
        self.places.get(&id.0).and_then(|place| self.followed.get_mut(*place))
    }

    /// Follows a new stream, or gives it back where there are too many.
    fn follow(&mut self, arrival: Arrival) -> Result<(), Arrival> {
        if self.followed.len() >= FOLLOWED_MAX {
            return Err(arrival);
        }
        let Arrival { id, place, sender, start, time, cells } = arrival;
        self.places.insert(id.0, self.followed.len());
        self.followed.push(Stream { place, sender, start, time, last: cells });
        Ok(())
    }
}

/// How far a value has grown: the number, or the count of observations.
fn growth(cells: &[f64]) -> f64 {
    match cells {
        [number] => *number,
        [_, counts @ ..] => counts.iter().sum(),
        [] => 0.0,
    }
}
