//! Text 0.0.4, and the parts that OpenMetrics has in common with it.

pub(crate) mod bound_text;
pub(crate) mod decimal;
pub(crate) mod escape;
pub(crate) mod number;
pub(crate) mod samples;

pub(crate) mod cursor;
pub(crate) mod exposition_builder;
pub(crate) mod parser;
pub(crate) mod plain_sample;
