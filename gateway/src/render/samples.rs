//! The rendered samples of one metric family of one group.

use std::cmp::Ordering;
use std::ops::Range;

use crate::text_format::labels::{WrittenLabels, unescape};

/// The lines of all metrics, in the order of the exposition, with the position of each metric in them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RenderedSamples {
    text: Box<[u8]>,
    metrics: Box<[MetricOffsets]>,
}

/// Where a metric stands in the text. Its lines begin where those of the metric before it end.
///
/// Offsets are `u32` to keep the structure small: there is one for each series of the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct MetricOffsets {
    labels_start: u32,
    labels_end: u32,
    end: u32,
    label_count: u32,
    /// The renderer's hash of the labels.
    hash: u64,
}

/// One metric: all its lines, and its labels as they stand between the braces.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RenderedMetric<'a> {
    pub(crate) lines: &'a [u8],
    pub(crate) labels: &'a [u8],
    pub(crate) hash: u64,
    label_count: u32,
}

impl RenderedMetric<'_> {
    /// Compares two metrics of a family in the order in which upstream exposes them: fewer labels first, then by the
    /// values, label by label.
    pub(crate) fn exposition_order(&self, other: &Self) -> Ordering {
        self.label_count
            .cmp(&other.label_count)
            .then_with(|| compare_values(self.labels, other.labels))
            .then_with(|| self.labels.cmp(other.labels))
    }
}

impl RenderedSamples {
    /// All lines.
    pub(crate) fn text(&self) -> &[u8] {
        &self.text
    }

    /// The number of metrics.
    pub(crate) fn len(&self) -> usize {
        self.metrics.len()
    }

    /// The metrics in order.
    pub(crate) fn metrics(&self) -> impl Iterator<Item = RenderedMetric<'_>> {
        (0..self.metrics.len()).filter_map(|index| self.metric(index))
    }

    /// The metric with that index.
    pub(crate) fn metric(&self, index: usize) -> Option<RenderedMetric<'_>> {
        let offsets = self.metrics.get(index)?;
        Some(RenderedMetric {
            lines: self.text.get(self.start(index)..offset(offsets.end))?,
            labels: self.text.get(offset(offsets.labels_start)..offset(offsets.labels_end))?,
            hash: offsets.hash,
            label_count: offsets.label_count,
        })
    }

    /// The lines of the metrics with an index from `first` to `end - 1`.
    pub(crate) fn lines(&self, first: usize, end: usize) -> &[u8] {
        self.text.get(self.start(first)..self.start(end)).unwrap_or_default()
    }

    /// Whether both have the same series, in the same order.
    pub(crate) fn has_same_series(&self, other: &Self) -> bool {
        self.len() == other.len()
            && self
                .metrics()
                .zip(other.metrics())
                .all(|(one, two)| one.hash == two.hash && one.labels == two.labels)
    }

    /// The labels of a series that occurs twice. `None` if every series occurs once.
    pub(crate) fn duplicate(&self) -> Option<&[u8]> {
        let mut pairs = self.metrics().zip(self.metrics().skip(1));
        pairs.find(|(one, two)| one.labels == two.labels).map(|(one, _)| one.labels)
    }

    fn start(&self, index: usize) -> usize {
        let before = index.checked_sub(1).and_then(|before| self.metrics.get(before));
        before.map_or(0, |offsets| offset(offsets.end))
    }
}

/// Collects metrics in any order and sorts them at the end.
#[derive(Debug, Default)]
pub(crate) struct SamplesBuilder {
    text: Vec<u8>,
    metrics: Vec<MetricOffsets>,
}

impl SamplesBuilder {
    /// Limit on the bytes of the text, so that every offset fits into [`MetricOffsets`].
    pub(crate) const BYTES_MAX: usize = 1 << 31;

    /// The text, to which the caller appends the lines of the next metric.
    pub(crate) fn text(&mut self) -> &mut Vec<u8> {
        &mut self.text
    }

    /// Ends a metric. `labels` is the range of its labels in the text, which has at most [`Self::BYTES_MAX`] bytes.
    pub(crate) fn end_metric(&mut self, labels: Range<usize>, hash: u64) {
        let label_text = self.text.get(labels.clone()).unwrap_or_default();
        let label_count = short(WrittenLabels(label_text).count());
        self.metrics.push(MetricOffsets {
            labels_start: short(labels.start),
            labels_end: short(labels.end),
            end: short(self.text.len()),
            label_count,
            hash,
        });
    }

    /// Puts the metrics into the order of the exposition.
    pub(crate) fn finish(self) -> RenderedSamples {
        let samples = RenderedSamples { text: self.text.into(), metrics: self.metrics.into() };
        if samples.metrics().is_sorted_by(|one, two| one.exposition_order(two).is_le()) {
            return samples;
        }
        let mut metrics: Vec<(usize, RenderedMetric<'_>)> = samples.metrics().enumerate().collect();
        metrics.sort_by(|(_, one), (_, two)| one.exposition_order(two));
        let mut sorted = Self { text: Vec::with_capacity(samples.text.len()), metrics: Vec::new() };
        sorted.metrics.reserve_exact(metrics.len());
        for (index, metric) in metrics {
            let labels_start =
                samples.metrics.get(index).map_or(0, |offsets| offset(offsets.labels_start));
            let labels_start = sorted.text.len() + labels_start - samples.start(index);
            sorted.text.extend_from_slice(metric.lines);
            sorted.metrics.push(MetricOffsets {
                labels_start: short(labels_start),
                labels_end: short(labels_start + metric.labels.len()),
                end: short(sorted.text.len()),
                label_count: metric.label_count,
                hash: metric.hash,
            });
        }
        RenderedSamples { text: sorted.text.into(), metrics: sorted.metrics.into() }
    }
}

/// Converts an offset, which is at most [`SamplesBuilder::BYTES_MAX`].
fn short(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

fn offset(short: u32) -> usize {
    usize::try_from(short).unwrap_or(usize::MAX)
}

/// Compares the values of two label sets, label by label. Escaped values compare by the characters that they stand for.
fn compare_values(one: &[u8], two: &[u8]) -> Ordering {
    for ((_, one), (_, two)) in WrittenLabels(one).zip(WrittenLabels(two)) {
        let order = if one.contains(&b'\\') || two.contains(&b'\\') {
            unescape(one).cmp(&unescape(two))
        } else {
            one.cmp(two)
        };
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}
