//! The rules about the samples of one metric in OpenMetrics: they follow each other, their timestamps
//! do not go backwards, and the samples of a histogram agree.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::error::OpenMetricsRule as Rule;
use crate::exposition::text::write_labels;

/// Follows the metrics of one block, sample by sample.
#[derive(Default)]
pub(crate) struct MetricOrder<'a> {
    /// The metric whose samples are being read.
    current: Option<CurrentMetric<'a>>,
    /// The label keys of all metrics before it.
    finished: HashSet<Cow<'a, [u8]>, foldhash::fast::RandomState>,
}

struct CurrentMetric<'a> {
    labels_key: Cow<'a, [u8]>,
    point: MetricPoint,
}

/// The samples of one metric at one time, as far as the parser has read them. OpenMetrics calls this a
/// `MetricPoint`.
pub(crate) struct MetricPoint {
    /// The line of the first sample, from 1.
    pub(crate) line: usize,
    timestamp_ms: Option<i64>,
    /// The bound and the count of the last bucket.
    bucket: Option<(f64, f64)>,
    count: Option<f64>,
    has_sum: bool,
}

/// The key of the metric with these labels, which do not include `le` or `quantile`: the labels as
/// text, sorted by name.
pub(crate) fn labels_key<'l>(labels: impl Iterator<Item = (&'l str, &'l str)>) -> Vec<u8> {
    let mut labels: Vec<(&str, &str)> = labels.collect();
    labels.sort_unstable();
    let length = |(name, value): &(&str, &str)| name.len() + "=\"\",".len() + value.len();
    let mut key = Vec::with_capacity(labels.iter().map(length).sum());
    write_labels(&mut key, labels);
    key
}

/// The part of a histogram that a sample is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum HistogramSample {
    /// A sample that the checks of histograms ignore.
    Other,
    /// A bucket.
    Bucket {
        /// The upper bound.
        bound: f64,
        /// The cumulative count.
        count: f64,
    },
    /// The count of all observations.
    Count(f64),
    /// The sum of all observations.
    Sum,
}

impl<'a> MetricOrder<'a> {
    /// Takes the next sample. Returns the metric point before it, if that is complete now.
    pub(crate) fn sample(
        &mut self,
        family: &str,
        labels_key: Cow<'a, [u8]>,
        line: usize,
        timestamp_ms: Option<i64>,
        sample: HistogramSample,
    ) -> (Option<MetricPoint>, Result<(), Rule>) {
        let point =
            || MetricPoint { line, timestamp_ms, bucket: None, count: None, has_sum: false };
        let mut finished = None;
        let mut result = Ok(());
        match &mut self.current {
            Some(current) if current.labels_key == labels_key => {
                if current.point.timestamp_ms != timestamp_ms {
                    if !follows(current.point.timestamp_ms, timestamp_ms) {
                        result = Err(Rule::Timestamps(family.to_owned()));
                    }
                    finished = Some(std::mem::replace(&mut current.point, point()));
                }
            }
            current => {
                if self.finished.contains(&labels_key) {
                    result = Err(Rule::Scattered(family.to_owned()));
                }
                if let Some(before) = current.replace(CurrentMetric { labels_key, point: point() })
                {
                    finished = Some(before.point);
                    self.finished.insert(before.labels_key);
                }
            }
        }
        if let Some(current) = &mut self.current {
            result = result.and(current.point.take(family, sample));
        }
        (finished, result)
    }

    /// Ends the block. Returns the last metric point.
    pub(crate) fn finish(self) -> Option<MetricPoint> {
        self.current.map(|metric| metric.point)
    }
}

/// Whether a point with the timestamp `after` may follow one with the timestamp `before`.
fn follows(before: Option<i64>, after: Option<i64>) -> bool {
    matches!((before, after), (Some(before), Some(after)) if before <= after)
}

impl MetricPoint {
    fn take(&mut self, family: &str, sample: HistogramSample) -> Result<(), Rule> {
        match sample {
            HistogramSample::Other => {}
            HistogramSample::Sum => self.has_sum = true,
            HistogramSample::Count(count) => self.count = Some(count),
            HistogramSample::Bucket { bound, count } => {
                if self.bucket.is_some_and(|last| last.0 >= bound || last.1 > count) {
                    return Err(Rule::BucketOrder(family.to_owned()));
                }
                self.bucket = Some((bound, count));
            }
        }
        Ok(())
    }

    /// Checks whether the samples of a histogram agree: there is a bucket `+Inf`, there are both a sum and a
    /// count or neither, and the count is the bucket's.
    pub(crate) fn check_histogram(&self, family: &str) -> Result<(), Rule> {
        let Some((_, last)) = self.bucket.filter(|(bound, _)| *bound == f64::INFINITY) else {
            return Err(Rule::NoInfBucket(family.to_owned()));
        };
        if self.has_sum != self.count.is_some() {
            return Err(Rule::SumAndCount(family.to_owned()));
        }
        match self.count {
            Some(count) if count.total_cmp(&last).is_ne() => {
                Err(Rule::CountAndInfBucket(family.to_owned()))
            }
            _ => Ok(()),
        }
    }
}
