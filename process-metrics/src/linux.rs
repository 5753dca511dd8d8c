//! Reads the metrics from `/proc`.

use procfs::process::{LimitValue, Process};

use crate::readings::Readings;

#[expect(clippy::cast_precision_loss, reason = "bytes, ticks and files are far below 2^53")]
pub(crate) fn read() -> Readings {
    let mut readings = Readings::default();
    let Ok(process) = Process::myself() else { return readings };
    if let Ok(stat) = process.stat() {
        let ticks_per_second = procfs::ticks_per_second() as f64;
        readings.cpu_seconds = Some((stat.utime + stat.stime) as f64 / ticks_per_second);
        readings.resident_memory_bytes = Some((stat.rss * procfs::page_size()) as f64);
        readings.virtual_memory_bytes = Some(stat.vsize as f64);
        let since_boot = stat.starttime as f64 / ticks_per_second;
        readings.start_time_seconds =
            procfs::boot_time_secs().ok().map(|boot| boot as f64 + since_boot);
    }
    readings.open_fds = process.fd_count().ok().map(|count| count as f64);
    readings.max_fds = process.limits().ok().map(|limits| match limits.max_open_files.soft_limit {
        LimitValue::Value(max) => max as f64,
        LimitValue::Unlimited => f64::INFINITY,
    });
    readings
}
