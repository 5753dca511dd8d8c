//! The metrics that the library records about its own pushes.

pub(crate) mod self_metrics;
