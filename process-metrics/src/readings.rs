//! The values of the metrics at one time.

/// The values of the metrics at one time. `None` if a value cannot be read.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Readings {
    pub(crate) cpu_seconds: Option<f64>,
    /// Infinite if there is no limit.
    pub(crate) max_fds: Option<f64>,
    pub(crate) open_fds: Option<f64>,
    pub(crate) resident_memory_bytes: Option<f64>,
    /// Seconds since the Unix epoch.
    pub(crate) start_time_seconds: Option<f64>,
    pub(crate) virtual_memory_bytes: Option<f64>,
}
