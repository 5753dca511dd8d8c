//! The timetable of the demo.

use std::time::Duration;

/// The job of all workers.
pub(super) const JOB: &str = "demo";
/// Time between two pushes of a worker.
pub(super) const PUSH_INTERVAL: Duration = Duration::from_secs(1);
/// TTL of the group of the worker that is killed.
pub(super) const TTL: Duration = Duration::from_secs(3);
/// When the first worker ends by itself.
pub(super) const ENDS_AFTER: Duration = Duration::from_secs(3);
/// When the second worker gets SIGTERM.
pub(super) const TERMINATED_AFTER: Duration = Duration::from_secs(4);
/// When the third worker gets SIGKILL.
pub(super) const KILLED_AFTER: Duration = Duration::from_millis(5300);
/// When a worker ends that no signal has ended. The demo is over by then.
pub(super) const WORKER_TIME_MAX: Duration = Duration::from_secs(30);
/// How long the demo waits for the group of the killed worker to expire, after all workers have ended.
pub(super) const EXPIRY_TIME_MAX: Duration = Duration::from_secs(6);
/// Limit to the time of the whole demo. A demo that takes longer has failed.
pub(super) const DEMO_TIME_MAX: Duration = Duration::from_secs(20);
/// Time between two reads of the gateway.
pub(super) const READ_INTERVAL: Duration = Duration::from_millis(200);
