//! Collecting metric families from sources, and encoding them as one exposition.

pub(crate) mod encoder;
pub(crate) mod protobuf_encoder;
pub(crate) mod source;
pub(crate) mod text_encoder;
