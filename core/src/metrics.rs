//! The metric types that a program records to, families of them, and the registry.

mod buckets;
mod counter;
mod gauge;
mod histogram;
mod info;
mod metric_kind;
mod summary;
mod timer;

mod family;
pub(crate) mod family_state;
mod protobuf_cache;
mod registry;
mod segmented_vec;
pub(crate) mod series_map;

#[cfg(all(test, prompush_loom))]
mod models;

pub use buckets::Buckets;
pub use counter::{Counter, CounterF64};
pub use family::Family;
pub use gauge::Gauge;
pub use histogram::Histogram;
pub use info::Info;
pub use metric_kind::MetricKind;
pub(crate) use metric_kind::{Sealed, labels_in};
pub use registry::Registry;
pub use summary::Summary;
pub use timer::Timer;
