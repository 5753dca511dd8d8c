//! What is pushed while the command runs, after its start.

use std::sync::mpsc::{Receiver as Channel, RecvTimeoutError};
use std::time::Duration;

use crate::run::job_metrics::JobStart;
use crate::run::report::{Reporter, now};
use crate::run::telemetry::Telemetry;

/// Time between two looks at what the command has exported, and whether a push is due.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// Pushes in the time that a group is good for, so that one may fail.
const PUSHES_PER_TTL: u32 = 3;

/// Pushes while a command runs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Heartbeat<'a> {
    pub(crate) start: &'a JobStart,
    pub(crate) reporter: &'a Reporter,
    pub(crate) telemetry: Option<&'a Telemetry>,
}

impl Heartbeat<'_> {
    /// The time between two pushes; none where the start says all until the end.
    pub(crate) fn interval(&self) -> Option<Duration> {
        let by_ttl = self.start.ttl.map(|ttl| ttl / PUSHES_PER_TTL);
        let by_telemetry = self.telemetry.map(Telemetry::interval);
        by_ttl.into_iter().chain(by_telemetry).min()
    }

    /// Pushes every interval, and as soon as there is something the first time, until `ended` says so.
    pub(crate) fn push_until(&self, ended: &Channel<()>, interval: Duration) {
        let (mut has_news, mut has_told) = (false, false);
        let mut pushed_at = now();
        while ended.recv_timeout(LOOK_INTERVAL) == Err(RecvTimeoutError::Timeout) {
            let instances = self.telemetry.map(Telemetry::instances).unwrap_or_default();
            has_news |= !instances.is_empty();
            if (has_news && !has_told) || pushed_at.elapsed() >= interval {
                let running = self.start.running();
                self.reporter.add(&(running, instances)).ok(); // the last push says what is wrong
                (has_told, pushed_at) = (has_news, now());
            }
        }
    }
}
