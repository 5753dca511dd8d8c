//! Pushes at intervals while the command runs.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use prompush_core::clock::{Clock as _, SystemClock};

use crate::run::job_metrics::JobStart;
use crate::run::reporter::Reporter;
use crate::run::telemetry::TelemetryCollector;

/// Time between two checks whether a push is due.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// Pushes within the TTL of a group, so that the group survives two failed pushes.
const PUSHES_PER_TTL: u32 = 3;

/// The pushes while the command runs: the start of the command, and the metrics that the command exports.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heartbeat<'a> {
    pub(crate) start: &'a JobStart,
    pub(crate) reporter: &'a Reporter,
    pub(crate) telemetry: Option<&'a TelemetryCollector>,
}

impl Heartbeat<'_> {
    /// The time between two pushes. `None` if nothing changes between the start and the end.
    pub(crate) fn interval(&self) -> Option<Duration> {
        let by_ttl = self.start.ttl.map(|ttl| ttl / PUSHES_PER_TTL);
        let by_telemetry = self.telemetry.map(TelemetryCollector::interval);
        by_ttl.into_iter().chain(by_telemetry).min()
    }

    /// Pushes at every interval, and at once when the command exports its first metrics. Returns when the sender of
    /// `ended` is dropped.
    pub(crate) fn push_until(&self, ended: &Receiver<()>, interval: Duration) {
        let (mut has_exported, mut has_pushed_export) = (false, false);
        let mut pushed_at = SystemClock.now();
        while ended.recv_timeout(CHECK_INTERVAL) == Err(RecvTimeoutError::Timeout) {
            let instances = self.telemetry.map(TelemetryCollector::instances).unwrap_or_default();
            has_exported |= !instances.is_empty();
            if (has_exported && !has_pushed_export)
                || SystemClock.now().duration_since(pushed_at) >= interval
            {
                let running = self.start.running();
                self.reporter.add(&(running, instances)).ok(); // an error shows again at the last push, which reports it
                (has_pushed_export, pushed_at) = (has_exported, SystemClock.now());
            }
        }
    }
}
