//! The last value of every stream of points.
//!
//! A stream is a series as the program sends it: one metric of one scope and resource, with one set
//! of attributes. Several streams meet in one series when a rule drops the attribute that
//! tells them apart. The series is then its base plus the last value of each of its streams.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use crate::decode::{DataPoint, OtlpMetric};
use crate::drop_counts::DropCause;
use crate::instance::family_table::SeriesPosition;
use crate::instance::series::{Components, StreamId};

/// Most streams whose last value is kept, about 100 bytes each.
const TRACKED_MAX: usize = 16_384;
/// Most further streams of which only the identity is kept.
const UNTRACKED_MAX: usize = 262_144;

/// A stream with a value that it has reported.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    pub(crate) id: StreamId,
    /// The series that the stream belongs to.
    pub(crate) series: SeriesPosition,
    /// The sender of the value: see `Instance::ingest_from`.
    pub(crate) sender: u64,
    /// When counting began, in nanoseconds since the Unix epoch; 0 when unknown.
    pub(crate) start: u64,
    /// When the value was taken, in nanoseconds since the Unix epoch.
    pub(crate) time: u64,
    /// The value that the stream adds to its series; kept empty for a stream of deltas.
    pub(crate) components: Components,
}

/// All streams of an instance.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    hasher: RandomState,
    /// The position of each stream in `tracked`, by its identity.
    positions: HashMap<StreamId, usize>,
    /// With the last value of each stream.
    tracked: Vec<Stream>,
    /// Streams that came when `tracked` was full.
    untracked: HashSet<StreamId>,
}

impl Streams {
    /// The identity of the stream that a point belongs to. With `start`, points that differ in
    /// their start time belong to different streams.
    pub(crate) fn id(
        &self,
        metric: &OtlpMetric<'_>,
        point: &DataPoint<'_>,
        start: Option<u64>,
    ) -> StreamId {
        let attributes: Vec<(&str, &str)> =
            point.attributes.iter().map(|attribute| (attribute.key, &*attribute.value)).collect();
        let OtlpMetric { resource, scope, name, kind, temporality, .. } = *metric;
        StreamId(self.hasher.hash_one((
            (resource, scope, name),
            (kind, temporality),
            attributes,
            start,
        )))
    }

    /// Records the value of a stream that only grows, and returns what the caller must add to the
    /// base of the series: the previous value after a restart, the whole value of a stream that
    /// is not tracked, and otherwise nothing.
    ///
    /// # Errors
    /// `Repeated` when the value is older than the last one or comes from a forked child,
    /// `StreamLimit` when the stream is not tracked and has already counted once.
    pub(crate) fn cumulative(&mut self, update: Stream) -> Result<Components, DropCause> {
        if let Some(stream) = self.find(update.id) {
            if growth(&update.components) >= growth(&stream.components) {
                stream.time = stream.time.max(update.time);
                stream.sender = update.sender;
                stream.components = update.components;
                return Ok(Components::new());
            }
            // A smaller value means a restart. A restarted process has another start time,
            // whereas a forked child keeps the start time of its parent.
            let is_forked_child = update.start != 0 && update.sender != stream.sender;
            if is_forked_child || update.time < stream.time {
                return Err(DropCause::Repeated);
            }
            stream.time = update.time;
            return Ok(std::mem::replace(&mut stream.components, update.components));
        }
        match self.track(update) {
            Ok(()) => Ok(Components::new()),
            Err(update) if self.untracked.contains(&update.id) => Err(DropCause::StreamLimit),
            Err(_) if self.untracked.len() >= UNTRACKED_MAX => Err(DropCause::StreamLimit),
            Err(update) => {
                self.untracked.insert(update.id);
                Ok(update.components)
            }
        }
    }

    /// Records the value of a stream that goes up and down.
    ///
    /// # Errors
    /// `StreamLimit` when there are too many streams.
    pub(crate) fn up_down(&mut self, update: Stream) -> Result<(), DropCause> {
        match self.find(update.id) {
            Some(stream) => {
                stream.components = update.components;
                Ok(())
            }
            None => self.track(update).map_err(|_| DropCause::StreamLimit),
        }
    }

    /// Records a delta, and returns what the caller must add to the base of the series.
    ///
    /// # Errors
    /// `Repeated` when the same delta came before.
    pub(crate) fn delta(&mut self, mut update: Stream) -> Result<Components, DropCause> {
        let components = std::mem::take(&mut update.components);
        match self.find(update.id) {
            Some(stream) => {
                let interval = (update.start, update.time);
                if update.time != 0 && (stream.start, stream.time) == interval {
                    return Err(DropCause::Repeated);
                }
                (stream.start, stream.time) = interval;
            }
            // A repetition goes unnoticed when the stream is not tracked.
            None => self.track(update).unwrap_or_default(),
        }
        Ok(components)
    }

    /// The value that each stream adds to its series, in the order in which the streams came.
    pub(crate) fn values(&self) -> impl Iterator<Item = (SeriesPosition, &Components)> {
        self.tracked.iter().map(|stream| (stream.series, &stream.components))
    }

    fn find(&mut self, id: StreamId) -> Option<&mut Stream> {
        self.positions.get(&id).and_then(|position| self.tracked.get_mut(*position))
    }

    /// Tracks a new stream, or returns the update when there are too many streams.
    fn track(&mut self, update: Stream) -> Result<(), Stream> {
        if self.tracked.len() >= TRACKED_MAX {
            return Err(update);
        }
        self.positions.insert(update.id, self.tracked.len());
        self.tracked.push(update);
        Ok(())
    }
}

/// How far a value has grown: the number itself, or the count of observations.
fn growth(components: &[f64]) -> f64 {
    match components {
        [number] => *number,
        [_, counts @ ..] => counts.iter().sum(),
        [] => 0.0,
    }
}
