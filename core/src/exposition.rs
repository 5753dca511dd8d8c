//! The exposition formats: the data model, the parsers, and the writers of their parts.

pub(crate) mod format;
pub(crate) mod metric_family;
pub(crate) mod metric_type;
pub mod sample_names;

pub(crate) mod openmetrics;
pub mod protobuf;
pub(crate) mod text;

pub(crate) mod parse;
pub(crate) mod recovery;
