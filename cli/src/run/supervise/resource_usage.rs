//! The CPU time and the memory that a command used.

use std::time::Duration;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;

/// The CPU time and the memory of a command, and of the processes that the command waited for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ResourceUsage {
    pub(crate) user_cpu: Duration,
    pub(crate) system_cpu: Duration,
    /// The most memory that one process had in RAM, in bytes. `None` where an earlier child of this process had more:
    /// the system only keeps the maximum of all children.
    pub(crate) resident_bytes_max: Option<f64>,
}

/// The resources that all children of this process have used so far.
///
/// `run` starts no process before the command. But the program that ran in this process before, such as a shell that
/// ended in `exec`, may have had children.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ChildUsage {
    user_cpu: Duration,
    system_cpu: Duration,
    resident_kib_max: i64,
}

impl ChildUsage {
    /// Asks the system. Without an answer, everything is zero.
    pub(super) fn read() -> Self {
        let Ok(usage) = getrusage(UsageWho::RUSAGE_CHILDREN) else { return Self::default() };
        Self {
            user_cpu: duration(usage.user_time()),
            system_cpu: duration(usage.system_time()),
            resident_kib_max: usage.max_rss(),
        }
    }

    /// The resources that were used between `before` and now.
    #[expect(clippy::cast_precision_loss, reason = "a machine's memory is far below 2^53 KiB")]
    pub(super) fn since(&self, before: &Self) -> ResourceUsage {
        let is_known = self.resident_kib_max > before.resident_kib_max;
        ResourceUsage {
            user_cpu: self.user_cpu.saturating_sub(before.user_cpu),
            system_cpu: self.system_cpu.saturating_sub(before.system_cpu),
            resident_bytes_max: is_known.then_some(self.resident_kib_max as f64 * 1024.0),
        }
    }
}

fn duration(time: TimeVal) -> Duration {
    let seconds = u64::try_from(time.tv_sec()).unwrap_or(0);
    let micros = u64::try_from(time.tv_usec()).unwrap_or(0);
    Duration::from_secs(seconds) + Duration::from_micros(micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_before_is_not_counted() {
        let so_far = |millis: u64, resident_kib_max: i64| ChildUsage {
            user_cpu: Duration::from_millis(millis),
            system_cpu: Duration::from_millis(millis / 2),
            resident_kib_max,
        };
        let usage = so_far(700, 30).since(&so_far(200, 20));
        assert_eq!(usage.user_cpu, Duration::from_millis(500));
        assert_eq!(usage.system_cpu, Duration::from_millis(250));
        assert_eq!(usage.resident_bytes_max, Some(30.0 * 1024.0));
        assert_eq!(so_far(700, 20).since(&so_far(200, 20)).resident_bytes_max, None);
    }
}
