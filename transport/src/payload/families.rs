//! Metric families as encoded bytes, one block for each.

use std::collections::BTreeMap;
use std::sync::Arc;

use prompush_core::{EncodeError, Encoder, Format, ParseError, Source, parse};

/// Metric families by name, each as the bytes that an [`Encoder`] wrote for it.
///
/// Text and protobuf bodies are their families one after the other. So a body can be taken apart and
/// put together again without parsing it. Families without samples are left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Families {
    format: Format,
    pub(crate) blocks: BTreeMap<Arc<str>, Arc<[u8]>>,
}

/// Why metric families cannot be written in another format.
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

    /// The families that `encoder` has encoded last.
    pub(crate) fn of(encoder: &Encoder) -> Self {
        Self::new(
            encoder.format(),
            encoder.chunks().map(|(name, bytes)| (name.into(), bytes.into())),
        )
    }

    /// Gathers `source` now.
    pub(crate) fn gather(source: &dyn Source, format: Format) -> Result<Self, EncodeError> {
        let mut encoder = Encoder::new(format);
        encoder.encode(source)?;
        Ok(Self::of(&encoder))
    }

    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// The number of families.
    pub(crate) fn len(&self) -> usize {
        self.blocks.len()
    }

    /// Size of the body before compression, in bytes.
    pub(crate) fn bytes_len(&self) -> usize {
        self.blocks.values().map(|block| block.len()).sum()
    }

    /// The name and the encoded bytes of each family, sorted by name.
    pub(crate) fn blocks(&self) -> impl ExactSizeIterator<Item = (&str, &[u8])> {
        self.blocks.iter().map(|(name, block)| (&**name, &**block))
    }

    /// All families as one body.
    pub(crate) fn to_body(&self) -> Vec<u8> {
        let mut body = Vec::with_capacity(self.bytes_len());
        for block in self.blocks.values() {
            body.extend_from_slice(block);
        }
        body
    }

    /// Takes in the families of `later`, which replace those of the same name. Both have one format.
    pub(crate) fn overlaid_by(mut self, later: Self) -> Self {
        debug_assert_eq!(self.format, later.format, "one body has one format");
        self.blocks.extend(later.blocks);
        self
    }

    /// Writes the families in `format`, by parsing and encoding them if they have another one.
    pub(crate) fn in_format(self, format: Format) -> Result<Self, ConvertError> {
        if format == self.format {
            return Ok(self);
        }
        let body = self.to_body();
        Ok(Self::gather(&parse(&body, self.format)?, format)?)
    }
}
