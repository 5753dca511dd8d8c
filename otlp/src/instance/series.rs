//! One series of an instance, and the numbers that its value consists of.

use prompush_core::MetricType;

use crate::decode::{HistogramPoint, PointValue};

/// Label names with their values, sorted by name.
pub(crate) type LabelPairs = Vec<(String, String)>;

/// The numbers that a value consists of, each of which is added up on its own.
///
/// A counter or gauge has one. A histogram has its sum, then the count of each bucket by itself.
/// A summary has its sum, then its count.
pub(crate) type Components = Vec<f64>;

/// The identity of a stream: a keyed 64-bit hash of everything that tells it from other streams.
///
/// Two of the at most 280,000 streams of an instance share a hash with a probability of about one
/// in 500 million.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct StreamId(pub(crate) u64);

/// One series, without its labels: those are the key under which its family finds it.
#[derive(Clone, Debug)]
pub(crate) struct SeriesEntry {
    /// The bucket bounds of a histogram, fixed by the first point.
    pub(crate) bounds: Vec<f64>,
    /// The part of the value that no stream holds: deltas, and values from before a restart.
    pub(crate) base: Components,
    /// The quantiles of a summary's last point, as long as all points belong to one stream.
    pub(crate) quantiles: Vec<(f64, f64)>,
    quantile_source: QuantileSource,
}

/// The stream that the quantiles of a series come from. Quantiles of several streams cannot be merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum QuantileSource {
    None,
    Stream(StreamId),
    Several,
}

impl SeriesEntry {
    /// A series whose shape (bounds, number of components) fits `value`.
    pub(crate) fn for_value(value: &PointValue) -> Self {
        let (bounds, components) = match value {
            PointValue::Histogram(point) => (point.bounds.clone(), point.counts.len() + 1),
            PointValue::Summary(_) => (Vec::new(), 2),
            _ => (Vec::new(), 1),
        };
        let quantiles = match value {
            PointValue::Summary(point) => point.quantiles.clone(),
            _ => Vec::new(),
        };
        let base = vec![0.0; components];
        Self { bounds, base, quantiles, quantile_source: QuantileSource::None }
    }

    /// How many samples the series has in an exposition.
    pub(crate) fn samples(&self, metric_type: MetricType) -> usize {
        match metric_type {
            MetricType::Histogram => self.bounds.len() + 3,
            MetricType::Summary => self.quantiles.len() + 2,
            _ => 1,
        }
    }

    /// The components of a point's value, in the buckets of this series; `None` for a point
    /// without a value.
    #[expect(clippy::cast_precision_loss, reason = "expositions have floats; exact below 2^53")]
    pub(crate) fn components(&self, value: &PointValue) -> Option<Components> {
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

    /// Adds `components` to the base.
    pub(crate) fn add(&mut self, components: &[f64]) {
        self.base.iter_mut().zip(components).for_each(|(base, more)| *base += more);
    }

    /// Takes over the quantiles of a point of `stream`; drops all quantiles as soon as points of
    /// several streams meet in the series.
    pub(crate) fn set_quantiles(&mut self, value: &PointValue, stream: StreamId) {
        let PointValue::Summary(point) = value else { return };
        self.quantile_source = match self.quantile_source {
            QuantileSource::None => QuantileSource::Stream(stream),
            QuantileSource::Stream(same) if same == stream => QuantileSource::Stream(stream),
            _ => QuantileSource::Several,
        };
        self.quantiles.clear();
        if self.quantile_source != QuantileSource::Several {
            self.quantiles.extend(&point.quantiles);
        }
    }
}

/// The bucket counts of a point, distributed over buckets with the upper bounds `bounds`.
///
/// The result is exact when every bound of the series is a bound of the point, too. Otherwise a
/// bucket of the point counts in the first bucket of the series that holds it wholly, as if all
/// its observations were at its upper bound.
fn rebucket(point: &HistogramPoint, bounds: &[f64]) -> Vec<u64> {
    if point.bounds == bounds {
        return point.counts.clone();
    }
    let mut counts = vec![0_u64; bounds.len() + 1];
    for (bucket, count) in point.counts.iter().enumerate() {
        let to = match point.bounds.get(bucket) {
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
    fn a_bucket_counts_in_the_first_bucket_that_holds_it() {
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
