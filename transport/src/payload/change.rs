//! What a gateway has yet to be told of one group, and how two such things become one.
//!
//! Pure: no time, no I/O. The law that the tests hold: whatever is merged, lost, doubled, late or
//! repeated, the gateway ends in the state that telling it everything in order, once, would have
//! given.
//!
//! | earlier | then `PUT(B)` | then `POST(B)` | then `DELETE` |
//! |---|---|---|---|
//! | `PUT(A)` | `PUT(B)` | `PUT(A ∪ B)`, B's families win | `DELETE` |
//! | `POST(A)` | `PUT(B)` | `POST(A ∪ B)`, B's families win | `DELETE` |
//! | `DELETE` | `PUT(B)` | `PUT(B)` | `DELETE` |

use std::collections::BTreeMap;
use std::sync::Arc;

use prompush_core::{EncodeError, Encoder, Format, ParseError, Source, parse};

use crate::error::Verb;

/// An operation on one group, or what several have become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum GroupChange {
    /// The group becomes these families.
    Push(Families),
    /// These families take the place of those of the same name.
    Add(Families),
    /// The group goes.
    Delete,
}

/// Metric families by name, each as the bytes that an [`Encoder`] made of it, none without samples.
///
/// In both formats a body is its families one after the other, so that a body can be taken apart
/// and put together again without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Families {
    format: Format,
    blocks: BTreeMap<Arc<str>, Arc<[u8]>>,
}

/// Why families cannot be written in another format.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConvertError {
    #[error("the metrics cannot be read back")]
    Parse(#[from] ParseError),
    #[error("the metrics cannot be encoded")]
    Encode(#[from] EncodeError),
}

impl GroupChange {
    /// This, and `later` after it. Both are in one format.
    pub(crate) fn then(self, later: Self) -> Self {
        match (self, later) {
            (Self::Push(earlier), Self::Add(later)) => Self::Push(earlier.overlaid_by(later)),
            (Self::Add(earlier), Self::Add(later)) => Self::Add(earlier.overlaid_by(later)),
            (Self::Delete, Self::Add(later)) => Self::Push(later),
            (_, later @ (Self::Push(_) | Self::Delete)) => later,
        }
    }

    pub(crate) fn verb(&self) -> Verb {
        match self {
            Self::Push(_) => Verb::Push,
            Self::Add(_) => Verb::Add,
            Self::Delete => Verb::Delete,
        }
    }

    pub(crate) fn families(&self) -> Option<&Families> {
        match self {
            Self::Push(families) | Self::Add(families) => Some(families),
            Self::Delete => None,
        }
    }

    /// Whether what was there before makes no difference after it.
    pub(crate) fn replaces_all(&self) -> bool {
        !matches!(self, Self::Add(_))
    }

    /// The same in that format.
    pub(crate) fn in_format(self, format: Format) -> Result<Self, ConvertError> {
        Ok(match self {
            Self::Push(families) => Self::Push(families.in_format(format)?),
            Self::Add(families) => Self::Add(families.in_format(format)?),
            Self::Delete => Self::Delete,
        })
    }
}

/// What came earlier, if anything, and `later` after it.
pub(crate) fn merged(
    earlier: Option<GroupChange>,
    later: Option<GroupChange>,
) -> Option<GroupChange> {
    match (earlier, later) {
        (Some(earlier), Some(later)) => Some(earlier.then(later)),
        (one, None) | (None, one) => one,
    }
}

impl Families {
    pub(crate) fn new(
        format: Format,
        blocks: impl IntoIterator<Item = (Arc<str>, Arc<[u8]>)>,
    ) -> Self {
        Self { format, blocks: blocks.into_iter().collect() }
    }

    /// What `encoder` has encoded last.
    pub(crate) fn of(encoder: &Encoder) -> Self {
        Self::new(
            encoder.format(),
            encoder.chunks().map(|(name, bytes)| (name.into(), bytes.into())),
        )
    }

    /// What `source` has to say.
    pub(crate) fn gather(source: &dyn Source, format: Format) -> Result<Self, EncodeError> {
        let mut encoder = Encoder::new(format);
        encoder.encode(source)?;
        Ok(Self::of(&encoder))
    }

    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.blocks.len()
    }

    /// How many bytes the body has.
    pub(crate) fn bytes_len(&self) -> usize {
        self.blocks.values().map(|block| block.len()).sum()
    }

    /// Names and bytes, sorted by name.
    pub(crate) fn blocks(&self) -> impl ExactSizeIterator<Item = (&str, &[u8])> {
        self.blocks.iter().map(|(name, block)| (&**name, &**block))
    }

    /// All of them as one body.
    pub(crate) fn to_body(&self) -> Vec<u8> {
        let mut body = Vec::with_capacity(self.bytes_len());
        for block in self.blocks.values() {
            body.extend_from_slice(block);
        }
        body
    }

    fn overlaid_by(mut self, later: Self) -> Self {
        debug_assert_eq!(self.format, later.format, "one body has one format");
        self.blocks.extend(later.blocks);
        self
    }

    fn in_format(self, format: Format) -> Result<Self, ConvertError> {
        if format == self.format {
            return Ok(self);
        }
        let body = self.to_body();
        Ok(Self::gather(&parse(&body, self.format)?, format)?)
    }
}

#[cfg(test)]
mod tests;
