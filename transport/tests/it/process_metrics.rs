//! Guards the metrics of the process against `/proc` and against real gateways.
#![expect(clippy::disallowed_methods, reason = "a clock to compare with")]

use std::collections::BTreeMap;
use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use prompush::{Encoder, Format, Gateway, GatewayConfig, GroupingKey, ProcessMetrics, Registry};
use prompush_testing::{Pushgateway, Version};

fn gathered() -> BTreeMap<String, f64> {
    let mut encoder = Encoder::new(Format::Text);
    let text = encoder.encode(&ProcessMetrics::new()).expect("a source without clashes");
    let text = String::from_utf8_lossy(text);
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    let sample = |line: &str| {
        let (name, value) = line.split_once(' ').expect("a sample");
        (name.to_owned(), value.parse().expect("a number"))
    };
    samples.map(sample).collect()
}

/// A line of `/proc/self/status`, in bytes.
fn status_bytes(field: &str) -> f64 {
    let status = fs::read_to_string("/proc/self/status").expect("a status");
    let line = status.lines().find(|line| line.starts_with(field)).expect("the field");
    let kilobytes: f64 =
        line.split_whitespace().nth(1).expect("a value").parse().expect("a number");
    kilobytes * 1024.0
}

#[track_caller]
fn check_near(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance, "{found} is not {expected} ± {tolerance}");
}

#[test]
fn values_match_proc() {
    const MIB: f64 = 1024.0 * 1024.0;
    let metrics = gathered();
    assert_eq!(metrics.len(), 6, "{metrics:?}");
    // Other tests run at the same time, so memory and files change.
    check_near(metrics["process_resident_memory_bytes"], status_bytes("VmRSS:"), 32.0 * MIB);
    check_near(metrics["process_virtual_memory_bytes"], status_bytes("VmSize:"), 512.0 * MIB);
    let open = fs::read_dir("/proc/self/fd").expect("open files").count();
    check_near(metrics["process_open_fds"], f64::from(u16::try_from(open).expect("few")), 50.0);
    let limits = fs::read_to_string("/proc/self/limits").expect("limits");
    let limit = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft = limit.and_then(|limit| limit.split_whitespace().next()).expect("a limit");
    check_near(metrics["process_max_fds"], soft.parse().unwrap_or(f64::INFINITY), 0.0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_secs_f64();
    // The time of boot is a whole second, and clocks may have been set since.
    check_near(metrics["process_start_time_seconds"], now, 600.0);
}

#[test]
fn cpu_time_grows_with_work() {
    let before = gathered()["process_cpu_seconds_total"];
    let mut rounds = 0_u32;
    // A tick is 10 ms. The number of rounds is limited, not the time.
    while gathered()["process_cpu_seconds_total"] <= before {
        rounds += 1;
        assert!(rounds < 100_000, "no CPU time after {rounds} rounds");
    }
}

#[test]
fn gateways_accept_process_metrics_with_a_registry() {
    for version in Version::ALL {
        let Some(server) = Pushgateway::start(version) else { continue };
        let registry = Registry::new();
        registry.counter("rows_total", "Rows.").expect("a good name").inc();
        let config = GatewayConfig::default().proxy_from_environment(false);
        for format in [Format::Text, Format::Protobuf] {
            let config = config.clone().format(format);
            let gateway = Gateway::with_config(server.url(), config).expect("a good URL");
            let key = GroupingKey::new(&format!("{format:?}")).expect("a good job");
            let source = (registry.clone(), ProcessMetrics::new());
            let report = gateway.push(&key, &source).expect("a push");
            assert_eq!((report.families, report.samples), (7, 7));
        }
        let metrics = server.metrics();
        for job in ["Text", "Protobuf"] {
            let sample = format!("process_resident_memory_bytes{{instance=\"\",job=\"{job}\"}} ");
            assert!(metrics.contains(&sample), "{version}: {metrics}");
        }
    }
}
