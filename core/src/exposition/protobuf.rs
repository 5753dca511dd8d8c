//! Delimited protobuf: `io.prometheus.client.MetricFamily`, each behind its length.
//!
//! Source: `prometheus/client_model`, `metrics.proto`.

mod decode;
pub(crate) mod encode;
mod fields;
pub(crate) mod schema;
pub(crate) mod wire;

pub use decode::decode;
pub use fields::{Fields, Reason, Value};
