//! Helpers for several tests: one-line encodes.

use prompush_core::{Encoder, Format, Source};

/// The exposition of `source` in `format`.
pub(crate) fn encode(source: &impl Source, format: Format) -> Vec<u8> {
    Encoder::new(format).encode(source).unwrap().to_vec()
}

/// The exposition of `source` in a text format.
pub(crate) fn encode_text(source: &impl Source, format: Format) -> String {
    String::from_utf8(encode(source, format)).unwrap()
}
