//! The families and series of an instance, and where each stands.

use std::collections::{BTreeMap, HashMap};

use prompush_core::{MetricType, PUSH_FAILURE_TIME, PUSH_TIME};

use super::drops::DropCause;
use super::streams::StreamId;
use crate::otlp::{HistogramPoint, PointValue};
use crate::sample_names::SampleNames;

/// Labels, sorted by name.
pub(super) type Labels = Vec<(String, String)>;

/// The numbers of a value: one; or the sum, and a count or the counts of all buckets.
pub(super) type Cells = Vec<f64>;

/// Where a series stands. A place is good for as long as its instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    family: usize,
    series: usize,
}

impl Place {
    /// The family's place in [`Families::iter`].
    pub(super) fn family(self) -> usize {
        self.family
    }

    /// The series' place in its family's [`Families::bases`].
    pub(super) fn series(self) -> usize {
        self.series
    }
}

/// What a metric is called in Prometheus.
#[derive(Clone, Debug, Default)]
pub(super) struct Heading {
    pub(super) name: String,
    pub(super) help: String,
}

/// All families.
#[derive(Debug)]
pub(super) struct Families {
    list: Vec<Family>,
    places: HashMap<String, usize>,
    /// The names of all samples, so that no two families expose one name.
    sample_names: SampleNames,
    samples: usize,
}

/// A family. Invariant: never without series.
#[derive(Debug)]
pub(super) struct Family {
    pub(super) name: String,
    pub(super) help: String,
    pub(super) metric_type: MetricType,
    series: Vec<Series>,
    places: BTreeMap<Labels, usize>,
}

/// A series.
#[derive(Clone, Debug)]
pub(super) struct Series {
    /// Of a histogram: fixed by its first point.
    pub(super) bounds: Vec<f64>,
    /// What is not in the last value of a stream: deltas, and what was before a restart.
    pub(super) base: Cells,
    /// Of a summary: those of the last point, as long as all points come from one stream.
    pub(super) quantiles: Vec<(f64, f64)>,
    /// The stream that the quantiles are from.
    quantiles_of: QuantilesOf,
}

/// Whose quantiles a series has: those of several streams cannot be merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum QuantilesOf {
    Nobody,
    One(StreamId),
    Several,
}

/// Names that are not a program's to set: ours, and those that gateways give each group.
const OWN_NAMES: [&str; 5] = [
    super::gather::TARGET_INFO,
    super::gather::DROPPED_POINTS,
    super::gather::DROPPED_ATTRIBUTES,
    PUSH_TIME,
    PUSH_FAILURE_TIME,
];

impl Default for Families {
    fn default() -> Self {
        Self {
            list: Vec::new(),
            places: HashMap::new(),
            sample_names: SampleNames::with(OWN_NAMES),
            samples: 0,
        }
    }
}

impl Families {
    /// Finds the series for a point with that value, or makes it.
    ///
    /// # Errors
    /// Why there is no series for it.
    pub(super) fn place(
        &mut self,
        heading: &Heading,
        metric_type: MetricType,
        labels: &Labels,
        value: &PointValue,
        samples_max: usize,
    ) -> Result<Place, DropCause> {
        let family = self.places.get(&heading.name).copied();
        if let Some(family) = family {
            let found = &self.list[family];
            if found.metric_type != metric_type {
                return Err(DropCause::NameClash);
            }
            if let Some(series) = found.places.get(labels) {
                return Ok(Place { family, series: *series });
            }
        }
        let new = Series::for_value(value);
        let samples = self.samples + new.samples(metric_type);
        if samples > samples_max {
            return Err(DropCause::SeriesLimit);
        }
        let family = match family {
            Some(family) => family,
            None => self.create(heading, metric_type)?,
        };
        self.samples = samples;
        let found = &mut self.list[family];
        let series = found.series.len();
        found.series.push(new);
        found.places.insert(labels.clone(), series);
        Ok(Place { family, series })
    }

    fn create(&mut self, heading: &Heading, metric_type: MetricType) -> Result<usize, DropCause> {
        if !self.sample_names.take(&heading.name, metric_type) {
            return Err(DropCause::NameClash);
        }
        let family = self.list.len();
        self.places.insert(heading.name.clone(), family);
        let Heading { name, help } = heading.clone();
        let (series, places) = (Vec::new(), BTreeMap::new());
        self.list.push(Family { name, help, metric_type, series, places });
        Ok(family)
    }

    pub(super) fn series_mut(&mut self, place: Place) -> &mut Series {
        &mut self.list[place.family].series[place.series]
    }

    /// How many samples all series have.
    pub(super) fn samples(&self) -> usize {
        self.samples
    }

    /// The base of each series of each family.
    pub(super) fn bases(&self) -> Vec<Vec<Cells>> {
        let of_family =
            |family: &Family| family.series.iter().map(|series| series.base.clone()).collect();
        self.list.iter().map(of_family).collect()
    }

    /// Each family, with its labels and series in the order of the labels.
    pub(super) fn iter(
        &self,
    ) -> impl Iterator<Item = (&Family, impl Iterator<Item = (&Labels, Place, &Series)>)> {
        self.list.iter().enumerate().map(|(place, family)| {
            let series = family.places.iter().map(move |(labels, series)| {
                (labels, Place { family: place, series: *series }, &family.series[*series])
            });
            (family, series)
        })
    }
}

impl Series {
    fn for_value(value: &PointValue) -> Self {
        let (bounds, cells) = match value {
            PointValue::Histogram(point) => (point.bounds.clone(), point.counts.len() + 1),
            PointValue::Summary(_) => (Vec::new(), 2),
            _ => (Vec::new(), 1),
        };
        let quantiles = match value {
            PointValue::Summary(point) => point.quantiles.clone(),
            _ => Vec::new(),
        };
        Self { bounds, base: vec![0.0; cells], quantiles, quantiles_of: QuantilesOf::Nobody }
    }

    fn samples(&self, metric_type: MetricType) -> usize {
        match metric_type {
            MetricType::Histogram => self.bounds.len() + 3,
            MetricType::Summary => self.quantiles.len() + 2,
            _ => 1,
        }
    }

    /// The numbers of a point, in the buckets of this series; nothing where it has none.
    #[expect(clippy::cast_precision_loss, reason = "expositions have floats; exact below 2^53")]
    pub(super) fn cells(&self, value: &PointValue) -> Option<Cells> {
        match value {
            PointValue::Number(number) => Some(vec![*number]),
            PointValue::Histogram(point) => {
                let counts = rebucket(point, &self.bounds);
                let counts = counts.into_iter().map(|count| count as f64);
                Some(std::iter::once(point.sum).chain(counts).collect())
            }
            PointValue::Summary(point) => Some(vec![point.sum, point.count as f64]),
            PointValue::NoRecordedValue | PointValue::Invalid => None,
        }
    }

    /// Adds to what is there.
    pub(super) fn add(&mut self, cells: &[f64]) {
        self.base.iter_mut().zip(cells).for_each(|(base, more)| *base += more);
    }

    /// Takes the quantiles of a point of `stream`, or none where there are several streams.
    pub(super) fn set_quantiles(&mut self, value: &PointValue, stream: StreamId) {
        let PointValue::Summary(point) = value else { return };
        self.quantiles_of = match self.quantiles_of {
            QuantilesOf::Nobody => QuantilesOf::One(stream),
            QuantilesOf::One(same) if same == stream => QuantilesOf::One(stream),
            _ => QuantilesOf::Several,
        };
        self.quantiles.clear();
        if self.quantiles_of != QuantilesOf::Several {
            self.quantiles.extend(&point.quantiles);
        }
    }
}

/// The counts of a point in buckets with those bounds.
///
/// Exact where each of them is a bound of the point too. Elsewhere a bucket counts in the first
/// one that holds it wholly, as an observation at its upper bound would.
fn rebucket(point: &HistogramPoint, bounds: &[f64]) -> Vec<u64> {
    if point.bounds == bounds {
        return point.counts.clone();
    }
    let mut counts = vec![0_u64; bounds.len() + 1];
    for (place, count) in point.counts.iter().enumerate() {
        let to = match point.bounds.get(place) {
            Some(upper) => bounds.partition_point(|bound| bound < upper),
            None => bounds.len(),
        };
        if let Some(total) = counts.get_mut(to) {
            *total = total.saturating_add(*count);
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_fall_into_those_that_hold_them() {
        let point =
            HistogramPoint { sum: 0.0, bounds: vec![1.0, 2.0, 4.0], counts: vec![1, 2, 3, 4] };
        let check = |bounds: &[f64], expected: &[u64]| {
            assert_eq!(rebucket(&point, bounds), expected, "{bounds:?}");
        };
        check(&[1.0, 2.0, 4.0], &[1, 2, 3, 4]);
        check(&[2.0], &[3, 7]);
        check(&[1.5, 8.0], &[1, 5, 4]);
        check(&[], &[10]);
    }
}
