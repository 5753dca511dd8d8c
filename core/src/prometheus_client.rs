//! The bridge to the library `prometheus_client`: its registry as a source, our registry as one of its
//! collectors, and families whose label sets derive its `EncodeLabelSet`.
//!
//! No other module uses that library.

pub(crate) mod label_set;
#[cfg(feature = "native-histograms")]
mod native_histograms;
mod registry_collector;
mod registry_source;
