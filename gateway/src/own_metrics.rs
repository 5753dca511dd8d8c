//! The gateway's metrics about itself.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use prompush_core::text::WriteNumber as _;
use prompush_core::{MetricType, PUSH_FAILURE_TIME, PUSH_TIME};

use crate::text_format::number::GoNumber;

/// A family of ours, ready for a scrape.
#[derive(Debug)]
pub(crate) struct OwnFamily {
    pub(crate) name: &'static str,
    pub(crate) metric_type: MetricType,
    pub(crate) help: &'static str,
    pub(crate) samples: Vec<u8>,
}

/// Name, type and help of every family of ours, sorted by name.
/// A push may add series to them, but not with another type.
const FAMILIES: [(&str, MetricType, &str); 10] = [
    (
        "process_cpu_seconds_total",
        MetricType::Counter,
        "Processor time used, in user and system mode, in seconds.",
    ),
    ("process_max_fds", MetricType::Gauge, "How many file descriptors the process may have open."),
    ("process_open_fds", MetricType::Gauge, "How many file descriptors the process has open."),
    ("process_resident_memory_bytes", MetricType::Gauge, "Memory that is in RAM, in bytes."),
    (
        "process_start_time_seconds",
        MetricType::Gauge,
        "When the process started, in seconds since the Unix epoch.",
    ),
    ("process_virtual_memory_bytes", MetricType::Gauge, "Address space in use, in bytes."),
    ("pushgateway_build_info", MetricType::Gauge, "Always 1; the labels say what runs."),
    (
        "pushgateway_http_push_duration_seconds",
        MetricType::Summary,
        "Time to decide on a push, from its last byte on, in seconds.",
    ),
    (
        "pushgateway_http_push_size_bytes",
        MetricType::Summary,
        "Size of the bodies of pushes as sent, in bytes.",
    ),
    (
        "pushgateway_http_requests_total",
        MetricType::Counter,
        "Requests answered, other than scrapes.",
    ),
];

const PUSH_TIME_HELP: &str =
    "Last Unix time when changing this group in the Pushgateway succeeded.";
const PUSH_FAILURE_TIME_HELP: &str =
    "Last Unix time when changing this group in the Pushgateway failed.";

/// The type of a family that the gateway itself exposes.
pub(crate) fn type_of(name: &str) -> Option<MetricType> {
    FAMILIES.iter().find(|(own, _, _)| *own == name).map(|(_, metric_type, _)| *metric_type)
}

/// Whether the family is one of the two with each group's push times.
pub(crate) fn is_push_time(name: &str) -> bool {
    push_time_help(name).is_some()
}

/// The help text of the families with each group's push times.
pub(crate) fn push_time_help(name: &str) -> Option<&'static str> {
    match name {
        PUSH_TIME => Some(PUSH_TIME_HELP),
        PUSH_FAILURE_TIME => Some(PUSH_FAILURE_TIME_HELP),
        _ => None,
    }
}

/// What the gateway counts of itself.
#[derive(Debug, Default)]
pub(crate) struct OwnMetrics {
    /// Code, handler and method, in the order of the labels.
    requests: BTreeMap<(u16, &'static str, &'static str), u64>,
    pushes: BTreeMap<&'static str, Pushes>,
}

#[derive(Debug, Default)]
struct Pushes {
    count: u64,
    duration: Duration,
    bytes: u64,
}

impl OwnMetrics {
    /// Counts a request. The method's label is `unknown` where it is none of those that we serve.
    pub(crate) fn count_request(&mut self, handler: &'static str, method: &str, code: u16) {
        *self.requests.entry((code, handler, method_label(method))).or_default() += 1;
    }

    /// Notes how long a push took and how large its body was.
    pub(crate) fn note_push(&mut self, method: &str, duration: Duration, bytes: usize) {
        let pushes = self.pushes.entry(method_label(method)).or_default();
        pushes.count += 1;
        pushes.duration += duration;
        pushes.bytes = pushes.bytes.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
    }

    /// All families that have samples, sorted by name.
    pub(crate) fn families(&self) -> Vec<OwnFamily> {
        let process = ProcessStatistics::read();
        FAMILIES
            .into_iter()
            .map(|(name, metric_type, help)| {
                let samples = self.samples(name, &process);
                OwnFamily { name, metric_type, help, samples }
            })
            .filter(|family| !family.samples.is_empty())
            .collect()
    }

    fn samples(&self, name: &str, process: &ProcessStatistics) -> Vec<u8> {
        let mut out = Vec::new();
        match name {
            "pushgateway_build_info" => {
                let version = env!("CARGO_PKG_VERSION");
                let labels = format!("{{implementation=\"prompush\",version=\"{version}\"}}");
                write_sample(&mut out, name, &labels, 1.0);
            }
            "pushgateway_http_requests_total" => {
                for ((code, handler, method), count) in &self.requests {
                    let labels =
                        format!("{{code=\"{code}\",handler=\"{handler}\",method=\"{method}\"}}");
                    write_sample(&mut out, name, &labels, to_f64(*count));
                }
            }
            "pushgateway_http_push_duration_seconds" => {
                self.write_summary(&mut out, name, |pushes| pushes.duration.as_secs_f64());
            }
            "pushgateway_http_push_size_bytes" => {
                self.write_summary(&mut out, name, |pushes| to_f64(pushes.bytes));
            }
            _ => {
                if let Some(value) = process.value(name) {
                    write_sample(&mut out, name, "", value);
                }
            }
        }
        out
    }

    fn write_summary(&self, out: &mut Vec<u8>, name: &str, sum: impl Fn(&Pushes) -> f64) {
        for (method, pushes) in &self.pushes {
            let labels = format!("{{method=\"{method}\"}}");
            write_sample(out, &format!("{name}_sum"), &labels, sum(pushes));
            write_sample(out, &format!("{name}_count"), &labels, to_f64(pushes.count));
        }
    }
}

fn method_label(method: &str) -> &'static str {
    match method {
        "DELETE" => "delete",
        "GET" => "get",
        "OPTIONS" => "options",
        "POST" => "post",
        "PUT" => "put",
        _ => "unknown",
    }
}

fn write_sample(out: &mut Vec<u8>, name: &str, labels: &str, value: f64) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(labels.as_bytes());
    out.push(b' ');
    GoNumber(value).write_number(out);
    out.push(b'\n');
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a metric's value is an f64; counts stay far below 2^53"
)]
fn to_f64(count: u64) -> f64 {
    count as f64
}

/// What Linux tells of this process; nothing elsewhere.
#[derive(Debug, Default)]
struct ProcessStatistics {
    stat: String,
    status: String,
    limits: String,
    boot_time_seconds: Option<f64>,
}

impl ProcessStatistics {
    /// Clock ticks a second in `/proc`: the same on every Linux that Rust's standard library supports.
    const TICKS_PER_SECOND: f64 = 100.0;

    fn read() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let boot_time_seconds = read("/proc/stat")
            .lines()
            .find_map(|line| line.strip_prefix("btime ")?.trim().parse().ok());
        Self {
            stat: read("/proc/self/stat"),
            status: read("/proc/self/status"),
            limits: read("/proc/self/limits"),
            boot_time_seconds,
        }
    }

    fn value(&self, name: &str) -> Option<f64> {
        match name {
            "process_cpu_seconds_total" => {
                Some((self.stat(14)? + self.stat(15)?) / Self::TICKS_PER_SECOND)
            }
            "process_start_time_seconds" => {
                Some(self.boot_time_seconds? + self.stat(22)? / Self::TICKS_PER_SECOND)
            }
            "process_resident_memory_bytes" => self.status_bytes("VmRSS:"),
            "process_virtual_memory_bytes" => self.status_bytes("VmSize:"),
            "process_open_fds" => {
                let count = fs::read_dir("/proc/self/fd").ok()?.count();
                Some(to_f64(u64::try_from(count).ok()?))
            }
            "process_max_fds" => {
                let line = self.limits.lines().find(|line| line.starts_with("Max open files"))?;
                line.split_ascii_whitespace().nth(3)?.parse().ok()
            }
            _ => None,
        }
    }

    /// A field of `/proc/self/stat`, numbered from 1 as in proc(5).
    /// The second field is a name in brackets that may hold spaces, so counting starts after it.
    fn stat(&self, field: usize) -> Option<f64> {
        let (_, fields) = self.stat.rsplit_once(')')?;
        fields.split_ascii_whitespace().nth(field.checked_sub(3)?)?.parse().ok()
    }

    fn status_bytes(&self, name: &str) -> Option<f64> {
        let line = self.status.lines().find_map(|line| line.strip_prefix(name))?;
        let kibibytes: f64 = line.split_ascii_whitespace().next()?.parse().ok()?;
        Some(kibibytes * 1024.0)
    }
}
