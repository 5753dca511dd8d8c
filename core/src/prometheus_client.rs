//! The bridge to `prometheus_client`: its registry as a source, ours as its collector, and families
//! whose label sets derive its `EncodeLabelSet`.
//!
//! The rest of the crate does not know of that library.

pub(crate) mod label_set;
#[cfg(feature = "native-histograms")]
mod native_histograms;
mod registry_collector;
mod registry_source;
