//! Collecting metric families from sources, and encoding them as one exposition.

mod encoder;
mod protobuf_encoder;
mod source;
mod text_encoder;

pub use encoder::Encoder;
pub(crate) use protobuf_encoder::SeriesWriter;
pub use source::{Source, to_string};
