//! Guards the real servers: they start, answer, and end with their handle, and Prometheus scrapes a gateway.

use std::path::Path;
use std::time::Duration;

use prompush_testing::{DEADLINE, Prometheus, Pushgateway, Version, http, wait_for};

#[test]
fn both_gateways_take_a_push_and_forget_it_with_a_restart() {
    for version in Version::ALL {
        let Some(mut gateway) = Pushgateway::start(version) else { continue };
        let answer = gateway.request("PUT", "/metrics/job/x", &[], b"m 1\n");
        assert_eq!(answer.status, 200, "{version}: {}", answer.text());
        assert!(gateway.metrics().contains("m{instance=\"\",job=\"x\"} 1"), "{version}");
        assert_eq!(gateway.groups().len(), 1, "{version}");
        gateway.kill();
        assert!(http::get(gateway.address(), "/-/ready").is_err(), "{version}");
        gateway.restart();
        assert_eq!(gateway.groups().len(), 0, "{version}");
    }
}

#[test]
fn a_gateway_behind_a_prefix_is_found() {
    let arguments = ["--web.route-prefix=/push"];
    let Some(gateway) = Pushgateway::start_with(Version::Sid, &arguments) else { return };
    assert!(gateway.url().ends_with("/push"));
    assert_eq!(gateway.request("PUT", "/metrics/job/x", &[], b"m 1\n").status, 200);
    assert_eq!(http::get(gateway.address(), "/push/metrics").expect("an answer").status, 200);
}

#[test]
fn what_is_pushed_comes_out_of_prometheus() {
    let Some(gateway) = Pushgateway::start(Version::Sid) else { return };
    let body = b"# HELP runs_total Runs.\n# TYPE runs_total counter\nruns_total{kind=\"a\"} 3\n";
    assert_eq!(gateway.request("PUT", "/metrics/job/x/instance/i", &[], body).status, 200);
    let interval = Duration::from_millis(200);
    let Some(prometheus) = Prometheus::start(&[gateway.address()], interval) else { return };
    let sample = wait_for(DEADLINE, "the sample in Prometheus", || {
        let result = prometheus.query("runs_total").expect("an answer");
        result.get(0).cloned()
    });
    let expected =
        serde_json::json!({"__name__": "runs_total", "instance": "i", "job": "x", "kind": "a"});
    assert_eq!(sample["metric"], expected);
    assert_eq!(sample["value"][1], "3");
    let metadata = prometheus.metadata("runs_total").expect("an answer");
    assert_eq!(metadata[0]["type"], "counter");
    let refusal = prometheus.query("sum(").expect_err("no PromQL").to_string();
    assert!(refusal.contains("400"), "{refusal}");
}

#[test]
fn a_child_ends_with_its_handle() {
    let Some(gateway) = Pushgateway::start(Version::Debian12) else { return };
    let folder = format!("/proc/{}", gateway.id());
    assert_eq!(Path::new(&folder).exists(), cfg!(target_os = "linux"));
    drop(gateway);
    assert!(!Path::new(&folder).exists());
}
