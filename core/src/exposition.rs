//! The exposition formats: what a body says, and how it is read and written.

pub(crate) mod format;
pub(crate) mod metric_family;
pub(crate) mod metric_type;
pub mod sample_names;

pub(crate) mod openmetrics;
pub mod protobuf;
pub(crate) mod text;

pub(crate) mod parse;
pub(crate) mod recovery;
