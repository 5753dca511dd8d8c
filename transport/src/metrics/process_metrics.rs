//! What a program costs its machine: the `process_…` metrics that Prometheus's clients have in
//! common.

use prompush_core::{EncodeError, Encoder, Exposition, Source};

#[cfg(target_os = "linux")]
use crate::metrics::process_linux::families;

/// The metrics of the running process, read from `/proc` whenever they are gathered.
///
/// | metric | what |
/// |---|---|
/// | `process_cpu_seconds_total` | CPU time, user and system |
/// | `process_resident_memory_bytes` | memory in RAM |
/// | `process_virtual_memory_bytes` | memory mapped |
/// | `process_open_fds` | open files |
/// | `process_max_fds` | how many files may be open; `+Inf` where there is no limit |
/// | `process_start_time_seconds` | when it started, since the Unix epoch |
///
/// What cannot be read is left out. There is nothing to read on systems other than Linux: there
/// the source is empty.
///
/// ```
/// use prompush::{Encoder, Format, ProcessMetrics, Registry};
///
/// let registry = Registry::new();
/// registry.counter("rows_total", "Rows.")?.inc();
/// let mut encoder = Encoder::new(Format::Text);
/// encoder.encode(&(registry, ProcessMetrics::new()))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Source: Prometheus, "Writing client libraries", "Process metrics".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProcessMetrics(());

impl ProcessMetrics {
    /// The metrics of the process that gathers them.
    pub fn new() -> Self {
        Self(())
    }
}

impl Source for ProcessMetrics {
    fn gather(&self, encoder: &mut Encoder) -> Result<(), EncodeError> {
        Exposition { families: families() }.gather(encoder)
    }
}

#[cfg(not(target_os = "linux"))]
fn families() -> Vec<prompush_core::MetricFamily<'static>> {
    Vec::new()
}
