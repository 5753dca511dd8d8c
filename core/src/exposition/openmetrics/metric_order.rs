//! The metrics of an OpenMetrics block, as far as they must stand together: the samples of one
//! metric follow each other, and a histogram's agree.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::error::OpenMetricsRule as Rule;
use crate::exposition::text::escape::write_label_value;

/// The metric whose samples are being read, and those of its block that are finished.
#[derive(Default)]
pub(crate) struct MetricOrder<'a> {
    current: Option<CurrentMetric<'a>>,
    finished: HashSet<Cow<'a, [u8]>, foldhash::fast::RandomState>,
}

struct CurrentMetric<'a> {
    labels_key: Cow<'a, [u8]>,
    point: MetricPoint,
}

/// What the samples of one metric at one time said so far.
pub(crate) struct MetricPoint {
    /// Where the first of them stands.
    pub(crate) line: usize,
    timestamp_ms: Option<i64>,
    /// Bound and count of the last bucket.
    bucket: Option<(f64, f64)>,
    count: Option<f64>,
    has_sum: bool,
}

/// The labels_key of the metric with these labels, without `le` and the like: as programs print them, in order.
pub(crate) fn labels_key<'l>(labels: impl Iterator<Item = (&'l str, &'l str)>) -> Vec<u8> {
    let mut labels: Vec<(&str, &str)> = labels.collect();
    labels.sort_unstable();
    let length = |(name, value): &(&str, &str)| name.len() + "=\"\",".len() + value.len();
    let mut labels_key = Vec::with_capacity(labels.iter().map(length).sum());
    for (name, value) in labels {
        if !labels_key.is_empty() {
            labels_key.push(b',');
        }
        labels_key.extend_from_slice(name.as_bytes());
        labels_key.extend_from_slice(b"=\"");
        write_label_value(&mut labels_key, value);
        labels_key.push(b'"');
    }
    labels_key
}

/// What a sample says of a histogram.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum HistogramSample {
    /// Nothing that has to agree with the others.
    Other,
    Bucket {
        bound: f64,
        count: f64,
    },
    Count(f64),
    Sum,
}

impl<'a> MetricOrder<'a> {
    /// Takes the next sample; gives back the metric that is finished, if another begins.
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

    /// The metric that was read last.
    pub(crate) fn finish(self) -> Option<MetricPoint> {
        self.current.map(|group| group.point)
    }
}

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

    /// Whether the samples of a histogram agree.
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
