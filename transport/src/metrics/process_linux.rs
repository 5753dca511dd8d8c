//! The metrics of the process as `/proc` says them.

use procfs::process::{LimitValue, Process};
use prompush_core::{Labels, Metric, MetricFamily, MetricType, MetricValue};

pub(super) fn families() -> Vec<MetricFamily<'static>> {
    read().into_iter().map(Reading::family).collect()
}

/// One metric and its value.
struct Reading {
    name: &'static str,
    help: &'static str,
    metric_type: MetricType,
    value: f64,
}

impl Reading {
    fn gauge(name: &'static str, help: &'static str, value: f64) -> Self {
        Self { name, help, metric_type: MetricType::Gauge, value }
    }

    fn family(self) -> MetricFamily<'static> {
        let value = MetricValue::Number(self.value);
        let metric = Metric { labels: Labels::default(), value, timestamp_ms: None, line: 0 };
        MetricFamily {
            name: self.name.into(),
            help: Some(self.help.into()),
            metric_type: self.metric_type,
            metrics: vec![metric],
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "bytes, ticks and files are far below 2^53")]
fn read() -> Vec<Reading> {
    let Ok(process) = Process::myself() else { return Vec::new() };
    let mut readings = Vec::with_capacity(6);
    if let Ok(stat) = process.stat() {
        let ticks_per_second = procfs::ticks_per_second() as f64;
        readings.push(Reading {
            name: "process_cpu_seconds_total",
            help: "CPU time of the process, user and system, in seconds.",
            metric_type: MetricType::Counter,
            value: (stat.utime + stat.stime) as f64 / ticks_per_second,
        });
        let resident = (stat.rss * procfs::page_size()) as f64;
        let help = "Memory of the process that is in RAM, in bytes.";
        readings.push(Reading::gauge("process_resident_memory_bytes", help, resident));
        let help = "Memory that the process has mapped, in bytes.";
        readings.push(Reading::gauge("process_virtual_memory_bytes", help, stat.vsize as f64));
        if let Ok(boot) = procfs::boot_time_secs() {
            let start = boot as f64 + stat.starttime as f64 / ticks_per_second;
            let help = "When the process started, in seconds since the Unix epoch.";
            readings.push(Reading::gauge("process_start_time_seconds", help, start));
        }
    }
    if let Ok(open) = process.fd_count() {
        readings.push(Reading::gauge("process_open_fds", "Files that are open.", open as f64));
    }
    if let Ok(limits) = process.limits() {
        let max = match limits.max_open_files.soft_limit {
            LimitValue::Value(max) => max as f64,
            LimitValue::Unlimited => f64::INFINITY,
        };
        readings.push(Reading::gauge("process_max_fds", "Files that may be open.", max));
    }
    readings
}
