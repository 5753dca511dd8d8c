//! What protobuf writes of a family's series, kept from encode to encode.

use super::{Encoder, protobuf};
use crate::metric_kind::MetricKind;

/// What never changes of each series in protobuf: its labels, and for a number everything before
/// its last eight bytes.
///
/// Made when a family is first encoded in protobuf, because programs that push text should not
/// pay for it: about as many bytes as the series' texts. An encode then copies it and adds
/// numbers.
#[derive(Debug, Default)]
pub(crate) struct KeptSeries {
    /// In the order of the exposition.
    bytes: Vec<u8>,
    /// Where each series ends in `bytes`.
    ends: Vec<usize>,
    /// Series of lower slots are in `bytes`.
    slots: usize,
}

/// A family as it is encoded.
pub(crate) struct FamilyParts<'a, I> {
    /// Its name in text 0.0.4.
    pub(crate) name: &'a str,
    /// Its help text, empty for none.
    pub(crate) help: &'a str,
    /// The series in the order of the exposition: that of two series never changes, and what was
    /// there in one encode is there in the next.
    pub(crate) series: I,
    /// How many series there are.
    pub(crate) count: usize,
}

/// The slot of a series that has none. It is the last one, and rendered again with each new one.
pub(crate) const OVERFLOW_SLOT: usize = usize::MAX;

/// A series of a family.
pub(crate) struct SeriesParts<'a, M> {
    /// Slots are given in the order in which series come; or [`OVERFLOW_SLOT`].
    pub(crate) slot: usize,
    /// What is kept of it for the text formats.
    pub(crate) text: &'a [u8],
    pub(crate) metric: &'a M,
}

impl KeptSeries {
    /// Encodes a family that has any series.
    pub(crate) fn encode<'a, M: MetricKind>(
        &mut self,
        encoder: &mut Encoder,
        family: FamilyParts<'a, impl Iterator<Item = SeriesParts<'a, M>> + Clone>,
    ) {
        let FamilyParts { name, help, series, count } = family;
        // Series only come, so that as many are the same.
        if self.ends.len() != count {
            self.render(name, series.clone());
        }
        let help = Some(help).filter(|help| !help.is_empty());
        let texts = name.len() + help.map_or(0, str::len);
        let length = texts + self.bytes.len() + count * size_of::<f64>();
        encoder.open_protobuf(name, help, M::FAMILY_TYPE, length);
        let mut start = 0;
        for (series, end) in series.zip(&self.ends) {
            series.metric.encode_protobuf(encoder.series_writer(&self.bytes[start..*end]));
            start = *end;
        }
    }

    /// Takes over what is kept, and adds the series that are new.
    fn render<'a, M: MetricKind>(
        &mut self,
        name: &str,
        series: impl Iterator<Item = SeriesParts<'a, M>>,
    ) {
        let old = std::mem::take(self);
        self.bytes.reserve(old.bytes.len());
        let mut start = 0;
        let mut old_ends = old.ends.iter();
        for SeriesParts { slot, text, .. } in series {
            match old_ends.as_slice().first().filter(|_| slot < old.slots) {
                Some(end) => {
                    self.bytes.extend_from_slice(&old.bytes[start..*end]);
                    start = *end;
                    old_ends.next();
                }
                None => protobuf::keep(&mut self.bytes, M::FAMILY_TYPE, labels_in::<M>(name, text)),
            }
            self.ends.push(self.bytes.len());
            self.slots += usize::from(slot != OVERFLOW_SLOT);
        }
    }
}

/// The labels in a series' text: `name{labels} `, `name `, `name_bucket{labels,le="`.
fn labels_in<'a, M: MetricKind>(name: &str, text: &'a [u8]) -> &'a [u8] {
    let end: &[u8] = if M::HAS_BUCKETS { b"le=\"" } else { b"} " };
    let begin = name.len() + M::TEXT_SUFFIX.len() + 1;
    let labels = text.get(begin..).and_then(|labels| labels.strip_suffix(end)).unwrap_or_default();
    labels.strip_suffix(b",").unwrap_or(labels)
}
