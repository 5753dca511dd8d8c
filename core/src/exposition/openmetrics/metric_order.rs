//! The metrics of an OpenMetrics block, as far as they must stand together: the samples of one
//! metric follow each other, and a histogram's agree.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::error::OpenMetricsRule as Rule;
use crate::text::write_label_value;

/// The metric whose samples are being read, and those of its block that are done.
#[derive(Default)]
pub(super) struct Groups<'a> {
    current: Option<Group<'a>>,
    done: HashSet<Cow<'a, [u8]>, foldhash::fast::RandomState>,
}

struct Group<'a> {
    key: Cow<'a, [u8]>,
    points: Points,
}

/// What the samples of one metric at one time said so far.
pub(super) struct Points {
    /// Where the first of them stands.
    pub(super) line: usize,
    timestamp_ms: Option<i64>,
    /// Bound and count of the last bucket.
    bucket: Option<(f64, f64)>,
    count: Option<f64>,
    has_sum: bool,
}

/// The key of the metric with these labels, without `le` and the like: as programs print them, in order.
pub(super) fn key<'l>(labels: impl Iterator<Item = (&'l str, &'l str)>) -> Vec<u8> {
    let mut labels: Vec<(&str, &str)> = labels.collect();
    labels.sort_unstable();
    let length = |(name, value): &(&str, &str)| name.len() + "=\"\",".len() + value.len();
    let mut key = Vec::with_capacity(labels.iter().map(length).sum());
    for (name, value) in labels {
        if !key.is_empty() {
            key.push(b',');
        }
        key.extend_from_slice(name.as_bytes());
        key.extend_from_slice(b"=\"");
        write_label_value(&mut key, value);
        key.push(b'"');
    }
    key
}

/// What a sample says of a histogram.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Part {
    /// Nothing that has to agree with the others.
    Other,
    Bucket {
        bound: f64,
        count: f64,
    },
    Count(f64),
    Sum,
}

impl<'a> Groups<'a> {
    /// Takes the next sample; gives back the metric that is done, if another begins.
    pub(super) fn sample(
        &mut self,
        family: &str,
        key: Cow<'a, [u8]>,
        line: usize,
        timestamp_ms: Option<i64>,
        part: Part,
    ) -> (Option<Points>, Result<(), Rule>) {
        let points = || Points { line, timestamp_ms, bucket: None, count: None, has_sum: false };
        let mut done = None;
        let mut result = Ok(());
        match &mut self.current {
            Some(current) if current.key == key => {
                if current.points.timestamp_ms != timestamp_ms {
                    if !follows(current.points.timestamp_ms, timestamp_ms) {
                        result = Err(Rule::Timestamps(family.to_owned()));
                    }
                    done = Some(std::mem::replace(&mut current.points, points()));
                }
            }
            current => {
                if self.done.contains(&key) {
                    result = Err(Rule::Scattered(family.to_owned()));
                }
                if let Some(before) = current.replace(Group { key, points: points() }) {
                    done = Some(before.points);
                    self.done.insert(before.key);
                }
            }
        }
        if let Some(current) = &mut self.current {
            result = result.and(current.points.take(family, part));
        }
        (done, result)
    }

    /// The metric that was read last.
    pub(super) fn finish(self) -> Option<Points> {
        self.current.map(|group| group.points)
    }
}

fn follows(before: Option<i64>, after: Option<i64>) -> bool {
    matches!((before, after), (Some(before), Some(after)) if before <= after)
}

impl Points {
    fn take(&mut self, family: &str, part: Part) -> Result<(), Rule> {
        match part {
            Part::Other => {}
            Part::Sum => self.has_sum = true,
            Part::Count(count) => self.count = Some(count),
            Part::Bucket { bound, count } => {
                if self.bucket.is_some_and(|last| last.0 >= bound || last.1 > count) {
                    return Err(Rule::BucketOrder(family.to_owned()));
                }
                self.bucket = Some((bound, count));
            }
        }
        Ok(())
    }

    /// Whether the samples of a histogram agree.
    pub(super) fn check_histogram(&self, family: &str) -> Result<(), Rule> {
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
