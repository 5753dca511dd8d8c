//! The parts of a family's series that protobuf writes unchanged, kept from encode to encode.

use crate::collect::Encoder;
use crate::exposition::protobuf::encode::write_series_prefix;
use crate::metrics::{MetricKind, labels_in};

/// The constant part of each series in protobuf: the labels, and for a number everything before
/// the last eight bytes. An encode copies this part and adds the numbers.
///
/// The cache is filled when a family is first encoded in protobuf, so that a program which pushes
/// text does not pay for it. It takes about as many bytes as the series' texts.
#[derive(Debug, Default)]
pub(crate) struct ProtobufCache {
    /// The prefixes of all series, in the order of the exposition.
    bytes: Vec<u8>,
    /// Where each series ends in `bytes`.
    ends: Vec<usize>,
    /// Series of lower slots are in `bytes`.
    slots: usize,
}

/// A family as one encode sees it.
pub(crate) struct FamilySnapshot<'a, I> {
    /// The family's name in text 0.0.4.
    pub(crate) name: &'a str,
    /// The help text, empty for none.
    pub(crate) help: &'a str,
    /// The series in the order of the exposition. The order of two series never changes, and a
    /// series of one encode is in every later one.
    pub(crate) series: I,
    /// The number of series.
    pub(crate) count: usize,
}

/// The slot of the overflow series, which has none in the series map. The series is the last one of
/// every snapshot, and its prefix is rendered again whenever another series was added.
pub(crate) const OVERFLOW_SLOT: usize = usize::MAX;

/// A series as one encode sees it.
pub(crate) struct SeriesSnapshot<'a, M> {
    /// The series' slot in the series map, which counts up in the order of creation, or
    /// [`OVERFLOW_SLOT`].
    pub(crate) slot: usize,
    /// The series' text in a text format, `name{labels} `.
    pub(crate) text: &'a [u8],
    pub(crate) metric: &'a M,
}

impl ProtobufCache {
    /// Encodes a family that has at least one series.
    pub(crate) fn encode<'a, M: MetricKind>(
        &mut self,
        encoder: &mut Encoder,
        family: FamilySnapshot<'a, impl Iterator<Item = SeriesSnapshot<'a, M>> + Clone>,
    ) {
        let FamilySnapshot { name, help, series, count } = family;
        // Series are only added, never removed: an equal number means that they are the same.
        if self.ends.len() != count {
            self.update(name, series.clone());
        }
        let help = Some(help).filter(|help| !help.is_empty());
        let text_bytes = name.len() + help.map_or(0, str::len);
        let length = text_bytes + self.bytes.len() + count * size_of::<f64>();
        encoder.begin_protobuf_family(name, help, M::FAMILY_TYPE, length);
        let mut start = 0;
        for (series, end) in series.zip(&self.ends) {
            series.metric.encode_protobuf(encoder.series_writer(&self.bytes[start..*end]));
            start = *end;
        }
    }

    /// Renders the prefixes of new series, and copies all others.
    fn update<'a, M: MetricKind>(
        &mut self,
        name: &str,
        series: impl Iterator<Item = SeriesSnapshot<'a, M>>,
    ) {
        let old = std::mem::take(self);
        self.bytes.reserve(old.bytes.len());
        let mut start = 0;
        let mut old_ends = old.ends.iter();
        for SeriesSnapshot { slot, text, .. } in series {
            match old_ends.as_slice().first().filter(|_| slot < old.slots) {
                Some(end) => {
                    self.bytes.extend_from_slice(&old.bytes[start..*end]);
                    start = *end;
                    old_ends.next();
                }
                None => write_series_prefix(&mut self.bytes, M::FAMILY_TYPE, labels_in(name, text)),
            }
            self.ends.push(self.bytes.len());
            self.slots += usize::from(slot != OVERFLOW_SLOT);
        }
    }
}
