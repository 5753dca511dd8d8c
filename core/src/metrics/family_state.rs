//! The state that all handles of one family share: its series, and the text of each.

use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use crate::collect::Encoder;
use crate::exposition::Format;
use crate::exposition::text::{is_plain_label_value, write_labels};
use crate::metrics::protobuf_cache::{
    FamilySnapshot, OVERFLOW_SLOT, ProtobufCache, SeriesSnapshot,
};
use crate::metrics::series_map::SeriesMap;
use crate::metrics::{Counter, MetricKind, labels_in};
use crate::name::LabelName;
use crate::sync::Ordering::Relaxed;
use crate::sync::{AtomicUsize, FamilyHasher, Mutex, OnceLock};

/// The default limit of series: more than a program means to have.
const SERIES_MAX_DEFAULT: usize = 1_000_000;

/// The value of every label of the overflow series.
const OVERFLOW: &str = "overflow";

/// The state that all handles of one family share.
pub(crate) struct FamilyState<M: MetricKind> {
    /// The family's name in text 0.0.4.
    pub(crate) name: Box<str>,
    help: Box<str>,
    label_names: Box<[LabelName]>,
    /// For each label value, the number of bytes in a series' text between the previous value (or
    /// the start of the text) and this value.
    value_gaps: Box<[usize]>,
    config: M::Config,
    pub(crate) hasher: FamilyHasher,
    /// Invariant: no two series have the same text.
    pub(crate) series: SeriesMap<Series<M>>,
    /// The limit of series, not counting the overflow series.
    pub(crate) series_max: AtomicUsize,
    /// The series for label sets beyond the limit. Made when the first one is recorded.
    overflow: OnceLock<Series<M>>,
    /// Counts the recordings to the overflow series, by family.
    overflow_counter: Option<Arc<FamilyState<Counter>>>,
    /// The slots of `series`, sorted by the series' text, as far as the last encode saw them. Only
    /// encodes wait for each other here.
    sorted: Mutex<Vec<usize>>,
    /// Locked only while `sorted` is locked. Empty until the family is encoded in protobuf.
    protobuf: Mutex<ProtobufCache>,
}

/// One series: its text and its metric.
pub(crate) struct Series<M> {
    /// The text that begins a sample, `name{labels} `. Behind the text, in the same allocation, one
    /// byte for each label name: the length of the label's value in the text, or
    /// [`LENGTH_UNKNOWN`].
    bytes: Box<[u8]>,
    metric: M,
}

/// In place of a length: the value has an escape, or 255 bytes or more.
const LENGTH_UNKNOWN: u8 = u8::MAX;

impl<M: MetricKind> FamilyState<M> {
    pub(crate) fn new(
        name: &str,
        help: &str,
        label_names: Box<[LabelName]>,
        config: M::Config,
        overflow_counter: Option<Arc<FamilyState<Counter>>>,
    ) -> Self {
        let value_gaps = label_names.iter().enumerate().map(|(at, label)| {
            let before = if at == 0 { name.len() + "{".len() } else { "\",".len() };
            before + label.as_str().len() + "=\"".len()
        });
        let value_gaps = value_gaps.collect();
        Self {
            name: name.into(),
            help: help.into(),
            label_names,
            value_gaps,
            config,
            hasher: FamilyHasher::default(),
            series: SeriesMap::new(),
            series_max: AtomicUsize::new(SERIES_MAX_DEFAULT),
            overflow: OnceLock::new(),
            overflow_counter,
            sorted: Mutex::new(Vec::new()),
            protobuf: Mutex::default(),
        }
    }

    /// The metric with these label values, in the order of the label names. Creates the metric if there
    /// is none.
    #[inline]
    pub(crate) fn metric<V: AsRef<str>, const N: usize>(&self, values: &[V; N]) -> &M {
        let mut hasher = self.hasher.build_hasher();
        for value in values {
            hasher.write(value.as_ref().as_bytes());
        }
        let hash = hasher.finish();
        let matches = |series: &Series<M>| self.has_values(series, values);
        match self.series.find(hash, matches) {
            Some(series) => &series.metric,
            None => self.create(hash, matches, || self.new_series(values)),
        }
    }

    #[cold]
    fn create(
        &self,
        hash: u64,
        matches: impl Fn(&Series<M>) -> bool,
        new: impl FnOnce() -> Series<M>,
    ) -> &M {
        let max = self.series_max.load(Relaxed);
        let has_room = self.series.len() < max;
        let series = if has_room {
            self.series.find_or_insert(hash, matches, max, new())
        } else {
            // Another thread may have created the series since this thread looked for it.
            self.series.find(hash, matches)
        };
        match series {
            Some(series) => &series.metric,
            None => self.overflow_metric(),
        }
    }

    /// The metric of the overflow series. Counts that it is used.
    pub(crate) fn overflow_metric(&self) -> &M {
        if let Some(counter) = &self.overflow_counter {
            counter.metric(&[&self.name]).inc();
        }
        let overflow = || {
            let values: Vec<&str> = self.label_names.iter().map(|_| OVERFLOW).collect();
            let new = self.new_series(&values);
            let slots = 0..self.series.len();
            let mut series = slots.filter_map(|slot| self.series.get(slot));
            match series.find(|series| series.bytes == new.bytes) {
                // The program itself uses the label values `overflow`. The series is in the map, so
                // encodes write it already: an empty text keeps them from writing it twice.
                Some(same) => Series { bytes: Box::new([]), metric: same.metric.clone() },
                None => new,
            }
        };
        &self.overflow.get_or_init(overflow).metric
    }

    /// The metric with these labels, given as text without braces. Creates the metric if there is none.
    pub(crate) fn metric_with_label_text(&self, labels: &[u8]) -> &M {
        let write = |text: &mut Vec<u8>| text.extend_from_slice(labels);
        let new = self.series_of(labels.is_empty(), labels.len(), std::iter::empty(), write);
        let mut hasher = self.hasher.build_hasher();
        hasher.write(&new.bytes);
        let hash = hasher.finish();
        let text = new.bytes.clone();
        let matches = |series: &Series<M>| series.bytes == text;
        match self.series.find(hash, matches) {
            Some(series) => &series.metric,
            None => self.create(hash, matches, || new),
        }
    }

    /// A new series with these label values.
    fn new_series<V: AsRef<str>>(&self, values: &[V]) -> Series<M> {
        let lengths = values.iter().map(|value| length_in_text(value.as_ref()));
        self.series_of(values.is_empty(), self.labels_length(values), lengths, |text| {
            self.write_labels(text, values);
        })
    }

    /// A new series whose labels take about `room` bytes and are written by `write`.
    #[inline]
    fn series_of(
        &self,
        has_no_labels: bool,
        room: usize,
        lengths: impl ExactSizeIterator<Item = u8>,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Series<M> {
        let (open, close): (&[u8], &[u8]) = if has_no_labels { (b"", b" ") } else { (b"{", b"} ") };
        let name = self.name.as_bytes();
        let ends = name.len() + open.len() + close.len();
        let mut bytes = Vec::with_capacity(ends + room + lengths.len());
        bytes.extend_from_slice(name);
        bytes.extend_from_slice(open);
        write(&mut bytes);
        bytes.extend_from_slice(close);
        bytes.extend(lengths);
        Series { bytes: bytes.into(), metric: M::create(&self.config) }
    }

    /// The text that begins a sample of the series: `name{labels} `.
    #[inline]
    fn text<'s>(&self, series: &'s Series<M>) -> &'s [u8] {
        let lengths = self.label_names.len();
        &series.bytes[..series.bytes.len().saturating_sub(lengths)]
    }

    /// Whether the series has these label values.
    ///
    /// Compares each value with the bytes at its place in the series' text. A value of the same
    /// length without an escape stands in the text as it is.
    #[inline]
    fn has_values<V: AsRef<str>, const N: usize>(
        &self,
        series: &Series<M>,
        values: &[V; N],
    ) -> bool {
        // Arrays, so that the loop has no bounds to check.
        let (Some((mut text, lengths)), Some(gaps)) =
            (series.bytes.split_last_chunk::<N>(), self.value_gaps.first_chunk::<N>())
        else {
            return false;
        };
        for at in 0..N {
            let value = values[at].as_ref().as_bytes();
            if lengths[at] == LENGTH_UNKNOWN {
                return self.has_escaped_values(series, values);
            }
            if value.len() != usize::from(lengths[at]) {
                return false;
            }
            match text.get(gaps[at]..).and_then(|rest| rest.split_at_checked(value.len())) {
                Some((in_text, rest)) if bytes_equal(in_text, value) => text = rest,
                _ => return false,
            }
        }
        true
    }

    /// Whether the series has these label values, decided by writing them out.
    #[cold]
    fn has_escaped_values<V: AsRef<str>>(&self, series: &Series<M>, values: &[V]) -> bool {
        let mut labels = Vec::with_capacity(self.labels_length(values));
        self.write_labels(&mut labels, values);
        labels_in(&self.name, self.text(series)) == labels
    }

    /// The length of the labels with these values in bytes, if no value has an escape.
    fn labels_length<V: AsRef<str>>(&self, values: &[V]) -> usize {
        let labels = self.label_names.iter().zip(values);
        let length = |(name, value): (&LabelName, &V)| name.as_str().len() + value.as_ref().len();
        labels.map(|label| length(label) + ",=\"\"".len()).sum::<usize>().saturating_sub(1)
    }

    fn write_labels<V: AsRef<str>>(&self, out: &mut Vec<u8>, values: &[V]) {
        let labels = self.label_names.iter().zip(values);
        write_labels(out, labels.map(|(name, value)| (name.as_str(), value.as_ref())));
    }
}

/// A family as the registry keeps it, whatever its label set and metric type.
pub(crate) trait EncodeFamily: Send + Sync {
    /// Writes the family, if it has any series.
    fn encode(&self, encoder: &mut Encoder);
}

impl<M: MetricKind> EncodeFamily for FamilyState<M> {
    fn encode(&self, encoder: &mut Encoder) {
        let mut sorted = self.sorted.lock();
        let text = |slot: &usize| self.series.get(*slot).map(|series| self.text(series));
        let new = sorted.len()..self.series.len();
        if !new.is_empty() {
            sorted.extend(new);
            // The older slots are sorted already, which the stable sort finds out by itself.
            sorted.sort_by(|a, b| text(a).cmp(&text(b)));
        }
        if sorted.is_empty() && self.overflow.get().is_none() {
            return;
        }
        let overflow = self.overflow.get().filter(|series| !series.bytes.is_empty());
        let series = sorted.iter().filter_map(|slot| Some((*slot, self.series.get(*slot)?)));
        if encoder.format() == Format::Protobuf {
            let count = sorted.len() + usize::from(overflow.is_some());
            let series = series.chain(overflow.map(|series| (OVERFLOW_SLOT, series)));
            let series = series.map(|(slot, series)| SeriesSnapshot {
                slot,
                text: self.text(series),
                metric: &series.metric,
            });
            let family = FamilySnapshot { name: &self.name, help: &self.help, series, count };
            return self.protobuf.lock().encode(encoder, family);
        }
        encoder.begin_text_family(&self.name, &self.help, M::FAMILY_TYPE);
        for (_, series) in series {
            series.metric.encode_text(&self.name, self.text(series), encoder);
        }
        if let Some(overflow) = overflow {
            overflow.metric.encode_text(&self.name, self.text(overflow), encoder);
        }
    }
}

/// Whether two byte strings of one length are equal. Compares short ones, which most label values
/// are, without a call.
#[inline]
fn bytes_equal(one: &[u8], other: &[u8]) -> bool {
    if one.len() > 16 {
        return one == other;
    }
    // From both ends: the bytes that both halves have in common are compared twice.
    if let (Some(one), Some(other)) = (ends::<8>(one), ends::<8>(other)) {
        return one.map(u64::from_ne_bytes) == other.map(u64::from_ne_bytes);
    }
    if let (Some(one), Some(other)) = (ends::<4>(one), ends::<4>(other)) {
        return one.map(u32::from_ne_bytes) == other.map(u32::from_ne_bytes);
    }
    one.iter().eq(other)
}

/// The first and the last `N` bytes, if there are so many.
#[inline]
fn ends<const N: usize>(bytes: &[u8]) -> Option<[[u8; N]; 2]> {
    Some([*bytes.first_chunk()?, *bytes.last_chunk()?])
}

/// The length of a label value in a series' text, or [`LENGTH_UNKNOWN`].
fn length_in_text(value: &str) -> u8 {
    let is_plain = is_plain_label_value(value);
    u8::try_from(value.len()).ok().filter(|_| is_plain).unwrap_or(LENGTH_UNKNOWN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_found_at_every_position() {
        for length in 0..40 {
            let one: Vec<u8> = (0..length).collect();
            assert!(bytes_equal(&one, &one.clone()));
            for at in 0..one.len() {
                let mut other = one.clone();
                other[at] ^= 1;
                assert!(!bytes_equal(&one, &other), "{length} {at}");
            }
        }
    }
}
