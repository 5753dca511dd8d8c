//! The parser of OpenMetrics text 1.0.

pub(crate) mod metric_order;
pub(crate) mod metric_type;
pub(crate) mod parser;
pub(crate) mod sample_fields;
