//! OTLP metrics as programs send them over HTTP: an `ExportMetricsServiceRequest` in protobuf.
//!
//! A body is read field by field with the reader of [`prompush_core::protobuf`], one point at a
//! time. Only the bytes of the body are kept, not a tree of messages, so a small body cannot
//! demand much memory.
//!
//! Source: opentelemetry-proto 1.x, `metrics/v1/metrics.proto`.

mod attribute;
mod exponential_histogram;
mod export;
mod message;
mod metric;
mod point_reader;
mod sub_messages;

pub(crate) use attribute::Attribute;
pub use export::Export;
pub(crate) use message::Visitor;
pub(crate) use metric::{
    DataPoint, HistogramPoint, OtlpMetric, PointKind, PointValue, Temporality,
};
