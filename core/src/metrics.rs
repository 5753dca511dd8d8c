//! The metric types that a program records to, families of them, and the registry.

mod atomic_f64;

pub(crate) mod buckets;
pub(crate) mod counter;
pub(crate) mod gauge;
pub(crate) mod histogram;
pub(crate) mod info;
pub(crate) mod metric_kind;
pub(crate) mod summary;
pub(crate) mod timer;

pub(crate) mod family;
pub(crate) mod family_state;
mod protobuf_cache;
pub(crate) mod registry;
mod segmented_vec;
pub(crate) mod series_map;

#[cfg(all(test, prompush_loom))]
mod models;
