//! The rendered samples of one family of one group.

use std::cmp::Ordering;

/// The lines of a family's metrics in the order of exposition, with the place of each metric in them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Samples {
    text: Box<[u8]>,
    metrics: Box<[Span]>,
}

/// Where a metric stands in the text: it begins where the one before ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    labels_start: u32,
    labels_end: u32,
    end: u32,
    label_count: u32,
    /// Of the labels; keyed, so that nobody can make them equal on purpose.
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
    /// Orders metrics as upstream exposes them: fewer labels first, then by the values, label by label.
    pub(crate) fn order(&self, other: &Self) -> Ordering {
        self.label_count
            .cmp(&other.label_count)
            .then_with(|| compare_values(self.labels, other.labels))
            .then_with(|| self.labels.cmp(other.labels))
    }
}

impl Samples {
    /// All lines.
    pub(crate) fn text(&self) -> &[u8] {
        &self.text
    }

    /// How many metrics there are.
    pub(crate) fn len(&self) -> usize {
        self.metrics.len()
    }

    /// The metrics in order.
    pub(crate) fn metrics(&self) -> impl Iterator<Item = RenderedMetric<'_>> {
        (0..self.metrics.len()).filter_map(|index| self.metric(index))
    }

    /// The metric of that index.
    pub(crate) fn metric(&self, index: usize) -> Option<RenderedMetric<'_>> {
        let span = self.metrics.get(index)?;
        Some(RenderedMetric {
            lines: self.text.get(self.start(index)..offset(span.end))?,
            labels: self.text.get(offset(span.labels_start)..offset(span.labels_end))?,
            hash: span.hash,
            label_count: span.label_count,
        })
    }

    /// The lines of the metrics from `first` up to, not including, `end`.
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

    /// The labels of a series that is there twice.
    pub(super) fn duplicate(&self) -> Option<&[u8]> {
        let mut pairs = self.metrics().zip(self.metrics().skip(1));
        pairs.find(|(one, two)| one.labels == two.labels).map(|(one, _)| one.labels)
    }

    fn start(&self, index: usize) -> usize {
        let before = index.checked_sub(1).and_then(|before| self.metrics.get(before));
        before.map_or(0, |span| offset(span.end))
    }
}

/// Collects metrics in any order.
#[derive(Debug, Default)]
pub(crate) struct SamplesBuilder {
    text: Vec<u8>,
    metrics: Vec<Span>,
}

impl SamplesBuilder {
    /// Bytes of text that the spans can name.
    pub(crate) const BYTES_MAX: usize = 1 << 31;

    /// Where the lines of the next metric go.
    pub(crate) fn text(&mut self) -> &mut Vec<u8> {
        &mut self.text
    }

    /// Ends a metric whose labels stand at that place in the text, which is within [`Self::BYTES_MAX`].
    pub(crate) fn end_metric(&mut self, labels_start: usize, labels_len: usize, hash: u64) {
        let labels_end = labels_start + labels_len;
        let labels = self.text.get(labels_start..labels_end).unwrap_or_default();
        let label_count = short(Labels(labels).count());
        self.metrics.push(Span {
            labels_start: short(labels_start),
            labels_end: short(labels_end),
            end: short(self.text.len()),
            label_count,
            hash,
        });
    }

    /// Sorts the metrics.
    pub(crate) fn finish(self) -> Samples {
        let samples = Samples { text: self.text.into(), metrics: self.metrics.into() };
        if samples.metrics().is_sorted_by(|one, two| one.order(two).is_le()) {
            return samples;
        }
        let mut metrics: Vec<(usize, RenderedMetric<'_>)> = samples.metrics().enumerate().collect();
        metrics.sort_by(|(_, one), (_, two)| one.order(two));
        let mut sorted = Self { text: Vec::with_capacity(samples.text.len()), metrics: Vec::new() };
        sorted.metrics.reserve_exact(metrics.len());
        for (index, metric) in metrics {
            let labels_start =
                samples.metrics.get(index).map_or(0, |span| offset(span.labels_start));
            let labels_start = sorted.text.len() + labels_start - samples.start(index);
            sorted.text.extend_from_slice(metric.lines);
            sorted.metrics.push(Span {
                labels_start: short(labels_start),
                labels_end: short(labels_start + metric.labels.len()),
                end: short(sorted.text.len()),
                label_count: metric.label_count,
                hash: metric.hash,
            });
        }
        Samples { text: sorted.text.into(), metrics: sorted.metrics.into() }
    }
}

/// An offset within [`SamplesBuilder::BYTES_MAX`].
fn short(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}

fn offset(short: u32) -> usize {
    usize::try_from(short).unwrap_or(usize::MAX)
}

/// The labels in `a="1",b="2"`: names and still escaped values.
#[derive(Clone, Debug)]
pub(crate) struct Labels<'a>(pub(crate) &'a [u8]);

impl<'a> Iterator for Labels<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let name_end = self.0.iter().position(|byte| *byte == b'=')?;
        let (name, rest) = self.0.split_at_checked(name_end)?;
        let rest = rest.get(2..)?; // `="`
        let mut value_end = 0;
        while *rest.get(value_end)? != b'"' {
            value_end += if rest.get(value_end) == Some(&b'\\') { 2 } else { 1 };
        }
        let (value, rest) = rest.split_at_checked(value_end)?;
        self.0 = rest.get(2..).unwrap_or_default(); // `",`
        Some((name, value))
    }
}

/// A label value without its escapes.
pub(crate) fn unescape(value: &[u8]) -> Vec<u8> {
    let mut unescaped = Vec::with_capacity(value.len());
    let mut bytes = value.iter();
    while let Some(&byte) = bytes.next() {
        match (byte, byte == b'\\') {
            (_, true) => match bytes.next() {
                Some(b'n') => unescaped.push(b'\n'),
                Some(&other) => unescaped.push(other),
                None => {}
            },
            (byte, false) => unescaped.push(byte),
        }
    }
    unescaped
}

fn compare_values(one: &[u8], two: &[u8]) -> Ordering {
    for ((_, one), (_, two)) in Labels(one).zip(Labels(two)) {
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
