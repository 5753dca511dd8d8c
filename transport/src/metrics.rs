//! Metrics that the library offers of its own: about pushing, and about the process.

#[cfg(all(feature = "process", target_os = "linux"))]
mod process_linux;
#[cfg(feature = "process")]
pub(crate) mod process_metrics;
pub(crate) mod self_metrics;
