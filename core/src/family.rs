//! Families: all metrics of one name, told apart by their labels.

use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;

use parking_lot::Mutex;
use prometheus_client::encoding::EncodeLabelSet;

use crate::encoder::Encoder;
use crate::metric_kind::MetricKind;
use crate::name::LabelName;
use crate::prometheus_client::rendered_labels;
use crate::series::SeriesMap;
use crate::text::write_label_value;

/// Marks a [`Family`] whose label names are given as strings, `N` of them.
#[derive(Clone, Copy, Debug)]
pub struct LabelNames<const N: usize>(());

/// All metrics of one name, told apart by their labels.
///
/// `L` is [`LabelNames`], or a label set that derives `prometheus_client`'s `EncodeLabelSet`.
/// A clone is a handle to the same family.
/// Looking a metric up takes no lock; creating one takes a lock that no encode holds, and that
/// is released before the call returns, so that any number of metrics may be held.
pub struct Family<L: LabelSet, M: MetricKind>(Arc<Inner<L::Key, M>>);

struct Inner<K, M: MetricKind> {
    /// As text 0.0.4 writes it.
    name: Box<str>,
    help: Box<str>,
    label_names: Box<[LabelName]>,
    config: M::Config,
    hasher: foldhash::fast::RandomState,
    series: SeriesMap<Series<K, M>>,
    /// Slots of `series` by their text, as far as the last encode saw them. Only encodes wait
    /// for each other here.
    sorted: Mutex<Vec<usize>>,
}

struct Series<K, M> {
    key: K,
    /// What begins each of the series' lines, see [`Sealed::encode`]; behind it the joined label
    /// values where the labels are [`LabelNames`], in the same piece of memory.
    bytes: Box<[u8]>,
    /// How much of `bytes` is text.
    text_length: usize,
    metric: M,
}

impl<K, M> Series<K, M> {
    fn text(&self) -> &[u8] {
        &self.bytes[..self.text_length]
    }

    fn joined_values(&self) -> &[u8] {
        &self.bytes[self.text_length..]
    }
}

/// What can label the metrics of a [`Family`]: [`LabelNames`], or a type that derives
/// `prometheus_client`'s `EncodeLabelSet` and is `Clone + Eq + Hash`.
pub trait LabelSet {
    /// What is kept of a label set to find it again.
    type Key: Send + Sync + 'static;
}

impl<const N: usize> LabelSet for LabelNames<N> {
    /// The joined label values stand behind the text of the series.
    type Key = ();
}

/// A label set that derives `prometheus_client`'s `EncodeLabelSet`, as the `L` of a [`Family`].
#[derive(Clone, Copy, Debug)]
pub struct Derived<L>(std::marker::PhantomData<L>);

impl<L: EncodeLabelSet + Clone + Eq + Hash + Send + Sync + 'static> LabelSet for Derived<L> {
    type Key = L;
}

impl<const N: usize, M: MetricKind> Family<LabelNames<N>, M> {
    /// The metric with these label values, in the order of the label names; created if there is
    /// none yet.
    ///
    /// # Panics
    /// If 2^32 - 1 series exist.
    #[inline]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "`with([\"a\"])` reads better than `with(&[\"a\"])`"
    )]
    pub fn with<V: AsRef<str>>(&self, values: [V; N]) -> &M {
        let inner = &*self.0;
        with_joined(&values, |joined| {
            let hash = inner.hash(joined);
            let is = |series: &Series<(), M>| series.joined_values() == joined;
            if let Some(series) = inner.series.find(hash, is) {
                return &series.metric;
            }
            inner.create(hash, is, joined, || {
                let mut labels = Vec::new();
                for (name, value) in inner.label_names.iter().zip(&values) {
                    write_label(&mut labels, name.as_str(), value.as_ref());
                }
                ((), labels)
            })
        })
    }
}

impl<L, M: MetricKind> Family<Derived<L>, M>
where
    L: EncodeLabelSet + Clone + Eq + Hash + Send + Sync + 'static,
{
    /// The metric with this label set; created if there is none yet.
    ///
    /// A label set that cannot encode itself gives a metric without labels.
    ///
    /// # Panics
    /// If 2^32 - 1 series exist.
    #[inline]
    pub fn get_or_create(&self, labels: &L) -> &M {
        let inner = &*self.0;
        let hash = inner.hasher.hash_one(labels);
        let is = |series: &Series<L, M>| series.key == *labels;
        match inner.series.find(hash, is) {
            Some(series) => &series.metric,
            None => inner
                .create(hash, is, &[], || (labels.clone(), rendered_labels(labels).into_bytes())),
        }
    }
}

impl<L: LabelSet, M: MetricKind> Family<L, M> {
    pub(crate) fn new(
        name: &str,
        help: &str,
        label_names: Box<[LabelName]>,
        config: M::Config,
    ) -> Self {
        Self(Arc::new(Inner {
            name: name.into(),
            help: help.into(),
            label_names,
            config,
            hasher: foldhash::fast::RandomState::default(),
            series: SeriesMap::new(),
            sorted: Mutex::new(Vec::new()),
        }))
    }

    /// How many series there are.
    pub fn len(&self) -> usize {
        self.0.series.len()
    }

    /// Whether there are no series yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<L: LabelSet, M: MetricKind> Clone for Family<L, M> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<L: LabelSet, M: MetricKind> fmt::Debug for Family<L, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Family").field("name", &self.0.name).field("series", &self.len()).finish()
    }
}

impl<K, M: MetricKind> Inner<K, M> {
    #[cold]
    fn create(
        &self,
        hash: u64,
        is: impl Fn(&Series<K, M>) -> bool,
        joined_values: &[u8],
        key_and_labels: impl FnOnce() -> (K, Vec<u8>),
    ) -> &M {
        let create = || {
            let (key, labels) = key_and_labels();
            let mut bytes = self.text_of(&labels);
            let text_length = bytes.len();
            bytes.extend_from_slice(joined_values);
            Series { key, bytes: bytes.into(), text_length, metric: M::create(&self.config) }
        };
        let created = self.series.find_or_create(hash, is, create);
        &created.expect("a family has fewer than 2^32 series").metric
    }

    fn text_of(&self, labels: &[u8]) -> Vec<u8> {
        let (open, close): (&[u8], &[u8]) = match (M::HAS_BUCKETS, labels.is_empty()) {
            (false, true) => (b"", b" "),
            (false, false) => (b"{", b"} "),
            (true, true) => (b"{", b"le=\""),
            (true, false) => (b"{", b",le=\""),
        };
        [self.name.as_bytes(), M::TEXT_SUFFIX.as_bytes(), open, labels, close].concat()
    }

    #[inline]
    fn hash(&self, joined_values: &[u8]) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        hasher.write(joined_values);
        hasher.finish()
    }
}

/// Calls `use_joined` with all values, each with a byte behind it that no UTF-8 text has: so that
/// `(ab, c)` and `(a, bc)` differ.
#[inline]
fn with_joined<V: AsRef<str>, R>(values: &[V], use_joined: impl FnOnce(&[u8]) -> R) -> R {
    /// More than most label sets need; more than this is joined in memory from the heap.
    const ON_STACK_MAX: usize = 128;
    const SEPARATOR: u8 = 0xFF;
    let length = values.iter().map(|value| value.as_ref().len() + 1).sum();
    let mut on_stack = [0_u8; ON_STACK_MAX];
    let mut on_heap;
    let joined = if length <= ON_STACK_MAX {
        &mut on_stack[..length]
    } else {
        on_heap = vec![0; length];
        &mut on_heap[..]
    };
    let mut at = 0;
    for value in values {
        let value = value.as_ref().as_bytes();
        joined[at..at + value.len()].copy_from_slice(value);
        joined[at + value.len()] = SEPARATOR;
        at += value.len() + 1;
    }
    use_joined(joined)
}

fn write_label(out: &mut Vec<u8>, name: &str, value: &str) {
    if !out.is_empty() {
        out.push(b',');
    }
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"=\"");
    write_label_value(out, value);
    out.push(b'"');
}

/// A family as the registry knows it.
pub(crate) trait EncodeFamily: Send + Sync {
    /// Writes the family, if it has any series.
    fn encode(&self, encoder: &mut Encoder);
}

impl<L: LabelSet, M: MetricKind> EncodeFamily for Family<L, M> {
    fn encode(&self, encoder: &mut Encoder) {
        let inner = &*self.0;
        let mut sorted = inner.sorted.lock();
        let text = |slot: &usize| inner.series.get(*slot).map(Series::text);
        let new = sorted.len()..inner.series.len();
        if !new.is_empty() {
            sorted.extend(new);
            // The slots before were sorted already: a stable sort finds that out by itself.
            sorted.sort_by(|a, b| text(a).cmp(&text(b)));
        }
        if sorted.is_empty() {
            return;
        }
        encoder.family(&inner.name, &inner.help, M::FAMILY_TYPE);
        for series in sorted.iter().filter_map(|slot| inner.series.get(*slot)) {
            series.metric.encode(&inner.name, series.text(), encoder);
        }
    }
}
