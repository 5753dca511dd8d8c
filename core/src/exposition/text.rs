//! Text 0.0.4, and the parts that OpenMetrics has in common with it.

mod bound_text;
mod decimal;
mod escape;
mod number;
mod samples;

mod cursor;
mod exposition_builder;
pub(crate) mod parser;
mod plain_sample;

pub(crate) use bound_text::{Bound, BoundText};
pub(crate) use cursor::{
    Cursor, Lines, QuoteError, UnknownEscape, is_blank, lossy, parse_float, unescape_help, utf8,
};
pub(crate) use decimal::write_decimal;
pub(crate) use escape::is_plain_label_value;
pub use escape::{write_help, write_label_value, write_labels};
pub(crate) use exposition_builder::{ExpositionBuilder, FamilyBuilder, store_value};
pub use number::{write_float, write_float_go};
pub(crate) use plain_sample::{PlainSample, PlainSampleReader};
pub use samples::{
    WriteNumber, WrittenSamples, write_histogram, write_metric, write_sample, write_summary,
};
