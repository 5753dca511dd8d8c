//! The exposition formats: the data model, the parsers, and the writers of their parts.

mod format;
mod metric_family;
mod metric_type;
mod parse;
pub mod sample_names;

mod openmetrics;
pub mod protobuf;
pub(crate) mod text;

pub use format::Format;
pub use metric_family::{
    Bucket, Exposition, HistogramValue, Metric, MetricFamily, MetricValue, Quantile, SummaryValue,
};
pub(crate) use metric_type::FamilyType;
pub use metric_type::MetricType;
pub use parse::{parse, parse_all};
