//! Pieces of the text exposition format 0.0.4, as a Pushgateway writes them.

pub(crate) mod labels;
pub(crate) mod number;
