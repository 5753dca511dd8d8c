//! Families: all metrics of one name, told apart by their labels.

use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;

use prometheus_client::encoding::EncodeLabelSet;

use crate::counter::Counter;
use crate::encoder::{Encoder, FamilyParts, KeptSeries, OVERFLOW_SLOT, SeriesParts};
use crate::format::Format;
use crate::metric_kind::MetricKind;
use crate::name::LabelName;
use crate::prometheus_client::rendered_labels;
use crate::series::SeriesMap;
use crate::sync::{AtomicUsize, FamilyHasher, Mutex, OnceLock, Ordering::Relaxed};
use crate::text::{is_plain_label_value, write_label_value};

/// More series than a program means to have.
const SERIES_MAX_DEFAULT: usize = 1_000_000;

/// The value of all labels of the series beyond the limit.
const OVERFLOW: &str = "overflow";

/// Marks a [`Family`] whose label names are given as strings, `N` of them.
#[derive(Clone, Copy, Debug)]
pub struct LabelNames<const N: usize>(());

/// All metrics of one name, told apart by their labels.
///
/// `L` is [`LabelNames`], or a label set that derives `prometheus_client`'s `EncodeLabelSet`.
/// A clone is a handle to the same family.
/// Looking a metric up takes no lock; creating one takes a lock that no encode holds, and that
/// is released before the call returns, so that any number of metrics may be held.
pub struct Family<L: LabelSet, M: MetricKind> {
    inner: Arc<Inner<M>>,
    /// How a label set is found again that is not given as label values.
    by_key: Arc<L::ByKey<M>>,
}

struct Inner<M: MetricKind> {
    /// As text 0.0.4 writes it.
    name: Box<str>,
    help: Box<str>,
    label_names: Box<[LabelName]>,
    /// How many bytes of a series' text stand before each label value, from the one before it on.
    gaps: Box<[usize]>,
    config: M::Config,
    hasher: FamilyHasher,
    /// No two have the same text.
    series: SeriesMap<Series<M>>,
    /// How many series there may be beside `overflow`.
    series_max: AtomicUsize,
    /// What further label sets record to, once there were any.
    overflow: OnceLock<Series<M>>,
    /// Counts, by family, what was recorded to `overflow`.
    overflowed: Option<Family<LabelNames<1>, Counter>>,
    /// Slots of `series` by their text, as far as the last encode saw them. Only encodes wait
    /// for each other here.
    sorted: Mutex<Vec<usize>>,
    /// Taken under `sorted`; empty as long as nobody asks for protobuf.
    protobuf: Mutex<KeptSeries>,
}

struct Series<M> {
    /// What begins each of the series' lines, see [`Sealed::encode`]; behind it, in the same piece
    /// of memory, a byte for each label name: how long the value is in the text, or [`LONG`].
    bytes: Box<[u8]>,
    metric: M,
}

/// In place of a length: the value has an escape, or 255 bytes and more.
const LONG: u8 = u8::MAX;

/// What can label the metrics of a [`Family`]: [`LabelNames`], or a type that derives
/// `prometheus_client`'s `EncodeLabelSet` and is `Clone + Eq + Hash`.
/// Not to be implemented elsewhere.
pub trait LabelSet: sealed::Sealed {}

mod sealed {
    use super::{MetricKind, SeriesMap};

    /// How label sets find their metrics.
    pub trait Sealed {
        /// The metrics by label set, where the label values are not enough.
        type ByKey<M: MetricKind>: Default + Send + Sync + 'static;
    }

    /// Metrics by label set. Several label sets may have one metric: those of one text.
    #[derive(Debug)]
    pub struct ByKey<L, M>(pub(super) SeriesMap<(L, M)>);

    impl<L, M> Default for ByKey<L, M> {
        fn default() -> Self {
            Self(SeriesMap::new())
        }
    }
}

impl<const N: usize> LabelSet for LabelNames<N> {}

impl<const N: usize> sealed::Sealed for LabelNames<N> {
    /// The text of a series says what its label values are.
    type ByKey<M: MetricKind> = ();
}

/// A label set that derives `prometheus_client`'s `EncodeLabelSet`, as the `L` of a [`Family`].
#[derive(Clone, Copy, Debug)]
pub struct Derived<L>(std::marker::PhantomData<L>);

impl<L> LabelSet for Derived<L> where L: EncodeLabelSet + Clone + Eq + Hash + Send + Sync + 'static {}

impl<L> sealed::Sealed for Derived<L>
where
    L: EncodeLabelSet + Clone + Eq + Hash + Send + Sync + 'static,
{
    type ByKey<M: MetricKind> = sealed::ByKey<L, M>;
}

impl<const N: usize, M: MetricKind> Family<LabelNames<N>, M> {
    /// The metric with these label values, in the order of the label names; created if there is
    /// none yet and [`limit_series`](Self::limit_series) allows it.
    #[inline]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "`with([\"a\"])` reads better than `with(&[\"a\"])`"
    )]
    pub fn with<V: AsRef<str>>(&self, values: [V; N]) -> &M {
        let inner = &*self.inner;
        let mut hasher = inner.hasher.build_hasher();
        for value in &values {
            hasher.write(value.as_ref().as_bytes());
        }
        let hash = hasher.finish();
        let is = |series: &Series<M>| inner.has_values(series, &values);
        match inner.series.find(hash, is) {
            Some(series) => &series.metric,
            None => inner.create(hash, is, || inner.series(&values)),
        }
    }
}

impl<L, M: MetricKind> Family<Derived<L>, M>
where
    L: EncodeLabelSet + Clone + Eq + Hash + Send + Sync + 'static,
{
    /// The metric with this label set; created if there is none yet.
    ///
    /// A label set that cannot encode itself, or has a label name that is not allowed, is recorded
    /// to the series of those beyond the [limit](Self::limit_series), and counted with them.
    #[inline]
    pub fn get_or_create(&self, labels: &L) -> &M {
        let inner = &*self.inner;
        let hash = inner.hasher.hash_one(labels);
        let is = |(key, _): &(L, M)| key == labels;
        if let Some((_, metric)) = self.by_key.0.find(hash, is) {
            return metric;
        }
        let Some(text) = rendered_labels(labels, M::HAS_BUCKETS.then_some("le")) else {
            return inner.overflow();
        };
        let metric = inner.with_text(text.as_bytes());
        let new = (labels.clone(), metric.clone());
        let max = inner.series_max.load(Relaxed);
        self.by_key.0.find_or_insert(hash, is, max, new).map_or(metric, |(_, metric)| metric)
    }
}

impl<L: LabelSet, M: MetricKind> Family<L, M> {
    pub(crate) fn new(
        name: &str,
        help: &str,
        label_names: Box<[LabelName]>,
        config: M::Config,
        overflowed: Option<Family<LabelNames<1>, Counter>>,
    ) -> Self {
        let gaps = label_names.iter().enumerate().map(|(at, label)| {
            let before = if at == 0 { name.len() + M::TEXT_SUFFIX.len() + "{".len() } else { 2 };
            before + label.as_str().len() + "=\"".len()
        });
        let gaps = gaps.collect();
        let inner = Inner {
            name: name.into(),
            help: help.into(),
            label_names,
            gaps,
            config,
            hasher: FamilyHasher::default(),
            series: SeriesMap::new(),
            series_max: AtomicUsize::new(SERIES_MAX_DEFAULT),
            overflow: OnceLock::new(),
            overflowed,
            sorted: Mutex::new(Vec::new()),
            protobuf: Mutex::default(),
        };
        Self { inner: Arc::new(inner), by_key: Arc::default() }
    }

    /// Limits how many series there may be. Default: 1,000,000.
    ///
    /// Beyond the limit a label set that is new is recorded to one series whose label values are
    /// all `overflow` (without labels where they are [`Derived`]), and
    /// `prompush_series_overflow_total` counts it. So a label without bound, such as an error
    /// message, costs a number that is wrong in a known way, and not all memory there is.
    #[must_use]
    pub fn limit_series(self, max: usize) -> Self {
        // `Relaxed`: the limit is one word that orders nothing else.
        self.inner.series_max.store(max, Relaxed);
        self
    }

    /// How many series there are, without the one beyond the limit.
    pub fn len(&self) -> usize {
        self.inner.series.len()
    }

    /// Whether there are no series yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<L: LabelSet, M: MetricKind> Clone for Family<L, M> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), by_key: Arc::clone(&self.by_key) }
    }
}

impl<L: LabelSet, M: MetricKind> fmt::Debug for Family<L, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Family")
            .field("name", &self.inner.name)
            .field("series", &self.len())
            .finish_non_exhaustive()
    }
}

impl<M: MetricKind> Inner<M> {
    #[cold]
    fn create(
        &self,
        hash: u64,
        is: impl Fn(&Series<M>) -> bool,
        new: impl FnOnce() -> Series<M>,
    ) -> &M {
        let max = self.series_max.load(Relaxed);
        let has_room = self.series.len() < max;
        let series = if has_room {
            self.series.find_or_insert(hash, is, max, new())
        } else {
            // Another thread may have created it since it was looked for.
            self.series.find(hash, is)
        };
        match series {
            Some(series) => &series.metric,
            None => self.overflow(),
        }
    }

    fn overflow(&self) -> &M {
        if let Some(overflowed) = &self.overflowed {
            overflowed.with([&self.name]).inc();
        }
        let overflow = || {
            let values: Vec<&str> = self.label_names.iter().map(|_| OVERFLOW).collect();
            let new = self.series(&values);
            let slots = 0..self.series.len();
            let mut series = slots.filter_map(|slot| self.series.get(slot));
            match series.find(|series| series.bytes == new.bytes) {
                // It is written already, so its second handle has no text.
                Some(same) => Series { bytes: Box::new([]), metric: same.metric.clone() },
                None => new,
            }
        };
        &self.overflow.get_or_init(overflow).metric
    }

    /// The metric with these labels, which are text already; created if there is none yet.
    fn with_text(&self, labels: &[u8]) -> &M {
        let write = |text: &mut Vec<u8>| text.extend_from_slice(labels);
        let new = self.series_of(labels.is_empty(), labels.len(), std::iter::empty(), write);
        let hash = self.hash(&new.bytes);
        let text = new.bytes.clone();
        let is = |series: &Series<M>| series.bytes == text;
        match self.series.find(hash, is) {
            Some(series) => &series.metric,
            None => self.create(hash, is, || new),
        }
    }

    /// A series with these label values.
    fn series<V: AsRef<str>>(&self, values: &[V]) -> Series<M> {
        let lengths = values.iter().map(|value| length_in_text(value.as_ref()));
        self.series_of(values.is_empty(), self.labels_room(values), lengths, |text| {
            self.write_labels(text, values);
        })
    }

    /// A series whose labels take about `room` bytes and are written by `write`.
    #[inline]
    fn series_of(
        &self,
        has_no_labels: bool,
        room: usize,
        lengths: impl ExactSizeIterator<Item = u8>,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Series<M> {
        let (open, close): (&[u8], &[u8]) = match (M::HAS_BUCKETS, has_no_labels) {
            (false, true) => (b"", b" "),
            (false, false) => (b"{", b"} "),
            (true, true) => (b"{", b"le=\""),
            (true, false) => (b"{", b",le=\""),
        };
        let (name, suffix) = (self.name.as_bytes(), M::TEXT_SUFFIX.as_bytes());
        let ends = name.len() + suffix.len() + open.len() + close.len();
        let mut bytes = Vec::with_capacity(ends + room + lengths.len());
        for part in [name, suffix, open] {
            bytes.extend_from_slice(part);
        }
        write(&mut bytes);
        bytes.extend_from_slice(close);
        bytes.extend(lengths);
        Series { bytes: bytes.into(), metric: M::create(&self.config) }
    }

    #[inline]
    fn text<'s>(&self, series: &'s Series<M>) -> &'s [u8] {
        let lengths = self.label_names.len();
        &series.bytes[..series.bytes.len().saturating_sub(lengths)]
    }

    /// Whether the series has these label values.
    ///
    /// Each is compared where it stands in the text: a value of the same length without an escape
    /// is its own text.
    #[inline]
    fn has_values<V: AsRef<str>, const N: usize>(
        &self,
        series: &Series<M>,
        values: &[V; N],
    ) -> bool {
        // Arrays, so that the loop has no bounds to check.
        let (Some((mut text, lengths)), Some(gaps)) =
            (series.bytes.split_last_chunk::<N>(), self.gaps.first_chunk::<N>())
        else {
            return false;
        };
        for at in 0..N {
            let value = values[at].as_ref().as_bytes();
            if lengths[at] == LONG {
                return self.has_values_written(series, values);
            }
            if value.len() != usize::from(lengths[at]) {
                return false;
            }
            match text.get(gaps[at]..).and_then(|rest| rest.split_at_checked(value.len())) {
                Some((same, rest)) if is_same(same, value) => text = rest,
                _ => return false,
            }
        }
        true
    }

    /// The same by way of the text that the values would have.
    #[cold]
    fn has_values_written<V: AsRef<str>>(&self, series: &Series<M>, values: &[V]) -> bool {
        let labels = self.labels(values);
        let begin = self.name.len() + M::TEXT_SUFFIX.len() + "{".len();
        let rest = self.text(series).get(begin..).and_then(|rest| rest.strip_prefix(&*labels));
        // No other label follows: what is left is the end of every text with labels.
        rest.is_some_and(|rest| rest == if M::HAS_BUCKETS { b",le=\"" } else { &b"} "[..] })
    }

    /// The labels with these values, as text.
    fn labels<V: AsRef<str>>(&self, values: &[V]) -> Vec<u8> {
        let mut labels = Vec::with_capacity(self.labels_room(values));
        self.write_labels(&mut labels, values);
        labels
    }

    /// How many bytes they take, if nothing is escaped in them.
    fn labels_room<V: AsRef<str>>(&self, values: &[V]) -> usize {
        let labels = self.label_names.iter().zip(values);
        let room = |(name, value): (&LabelName, &V)| name.as_str().len() + value.as_ref().len();
        labels.map(|label| room(label) + ",=\"\"".len()).sum::<usize>().saturating_sub(1)
    }

    fn write_labels<V: AsRef<str>>(&self, out: &mut Vec<u8>, values: &[V]) {
        for (at, (name, value)) in self.label_names.iter().zip(values).enumerate() {
            if at > 0 {
                out.push(b',');
            }
            out.extend_from_slice(name.as_str().as_bytes());
            out.extend_from_slice(b"=\"");
            write_label_value(out, value.as_ref());
            out.push(b'"');
        }
    }

    #[inline]
    fn hash(&self, bytes: &[u8]) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(bytes);
        hasher.finish()
    }
}

/// Whether two texts of one length are the same: short ones, as most label values are, without a call.
#[inline]
fn is_same(one: &[u8], other: &[u8]) -> bool {
    if one.len() > 16 {
        return one == other;
    }
    // From both ends, so that what is between is looked at twice.
    if let (Some(one), Some(other)) = (ends::<8>(one), ends::<8>(other)) {
        return one.map(u64::from_ne_bytes) == other.map(u64::from_ne_bytes);
    }
    if let (Some(one), Some(other)) = (ends::<4>(one), ends::<4>(other)) {
        return one.map(u32::from_ne_bytes) == other.map(u32::from_ne_bytes);
    }
    one.iter().eq(other)
}

#[inline]
fn ends<const N: usize>(text: &[u8]) -> Option<[[u8; N]; 2]> {
    Some([*text.first_chunk()?, *text.last_chunk()?])
}

fn length_in_text(value: &str) -> u8 {
    let is_plain = is_plain_label_value(value);
    u8::try_from(value.len()).ok().filter(|_| is_plain).unwrap_or(LONG)
}

/// A family as the registry knows it.
pub(crate) trait EncodeFamily: Send + Sync {
    /// Writes the family, if it has any series.
    fn encode(&self, encoder: &mut Encoder);
}

impl<L: LabelSet, M: MetricKind> EncodeFamily for Family<L, M> {
    fn encode(&self, encoder: &mut Encoder) {
        let inner = &*self.inner;
        let mut sorted = inner.sorted.lock();
        let text = |slot: &usize| inner.series.get(*slot).map(|series| inner.text(series));
        let new = sorted.len()..inner.series.len();
        if !new.is_empty() {
            sorted.extend(new);
            // The slots before were sorted already: a stable sort finds that out by itself.
            sorted.sort_by(|a, b| text(a).cmp(&text(b)));
        }
        if sorted.is_empty() && inner.overflow.get().is_none() {
            return;
        }
        let overflow = inner.overflow.get().filter(|series| !series.bytes.is_empty());
        let series = sorted.iter().filter_map(|slot| Some((*slot, inner.series.get(*slot)?)));
        if encoder.format() == Format::Protobuf {
            let count = sorted.len() + usize::from(overflow.is_some());
            let series = series.chain(overflow.map(|series| (OVERFLOW_SLOT, series)));
            let series = series.map(|(slot, series)| SeriesParts {
                slot,
                text: inner.text(series),
                metric: &series.metric,
            });
            let family = FamilyParts { name: &inner.name, help: &inner.help, series, count };
            return inner.protobuf.lock().encode(encoder, family);
        }
        encoder.family(&inner.name, &inner.help, M::FAMILY_TYPE);
        for (_, series) in series {
            series.metric.encode(&inner.name, inner.text(series), encoder);
        }
        if let Some(overflow) = overflow {
            overflow.metric.encode(&inner.name, inner.text(overflow), encoder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_same;

    #[test]
    fn texts_that_differ_anywhere_are_not_the_same() {
        for length in 0..40 {
            let one: Vec<u8> = (0..length).collect();
            assert!(is_same(&one, &one.clone()));
            for at in 0..one.len() {
                let mut other = one.clone();
                other[at] ^= 1;
                assert!(!is_same(&one, &other), "{length} {at}");
            }
        }
    }
}
