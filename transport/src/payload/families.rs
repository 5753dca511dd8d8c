//! Metric families as encoded bytes, one block for each.

use std::collections::BTreeMap;
use std::sync::Arc;

use prompush_core::{EncodeError, Encoder, Format, ParseError, Source, parse};

/// Metric families by name, each as the bytes that an [`Encoder`] made of it, none without samples.
///
/// In both formats a body is its families one after the other, so that a body can be taken apart
/// and put together again without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Families {
    format: Format,
    pub(super) blocks: BTreeMap<Arc<str>, Arc<[u8]>>,
}

/// Why families cannot be written in another format.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConvertError {
    #[error("the metrics cannot be read back")]
    Parse(#[from] ParseError),
    #[error("the metrics cannot be encoded")]
    Encode(#[from] EncodeError),
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

    pub(crate) fn overlaid_by(mut self, later: Self) -> Self {
        debug_assert_eq!(self.format, later.format, "one body has one format");
        self.blocks.extend(later.blocks);
        self
    }

    pub(crate) fn in_format(self, format: Format) -> Result<Self, ConvertError> {
        if format == self.format {
            return Ok(self);
        }
        let body = self.to_body();
        Ok(Self::gather(&parse(&body, self.format)?, format)?)
    }
}
