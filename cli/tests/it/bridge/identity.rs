//! Every process has a group of its own, with what it sent, on real gateways.

use std::collections::BTreeSet;

use crate::bridge::client::Client;
use crate::support::{Bridge, exposed, for_each_gateway, value, wait_for_lines};

#[cfg(target_os = "linux")]
#[test]
fn twins_at_once_have_two_groups() {
    for_each_gateway(|gateway| {
        let bridge = Bridge::start(gateway, &["--ttl", "90s"]);
        let (mut a, mut b) = (Client::start(bridge.address), Client::start(bridge.address));
        a.post("twin-a-1", 0);
        b.post("twin-b-flush", 0);
        a.post("twin-a-2", 0);
        b.post("twin-b-shutdown", 0);
        a.post("twin-a-shutdown", 0);
        let expected = [(a.pid(), 5.0), (b.pid(), 10.0)];
        a.end();
        b.end();
        let of = |pid: u32| format!("instance=\"testhost:{pid}\",job=\"gptme\"");
        // Pushed when they had ended, not only after the interval of 30 s.
        let lines = wait_for_lines(gateway, "gptme_llm_requests_total{", |lines| {
            expected.iter().all(|(pid, requests)| {
                lines
                    .iter()
                    .any(|line| line.contains(&of(*pid)) && (value(line) - requests).abs() < 0.1)
            })
        });
        assert_eq!(lines.len(), 2, "{lines:#?}");
        assert_eq!(exposed(gateway, "gptme_tokens_total{").len(), 2 * 3);
        assert!(exposed(gateway, "push_ttl_seconds{").iter().all(|line| line.ends_with(" 90")));
        bridge.end();
        let own = exposed(gateway, "prompush_receiver_instances_ended_total{");
        assert!(
            own.iter().any(|line| line.contains("job=\"prompush_bridge\"") && line.ends_with(" 2")),
            "{own:#?}"
        );
    });
}

#[cfg(target_os = "linux")]
#[test]
fn fifty_runs_in_a_row_some_killed_sum_up() {
    const RUNS: u64 = 50;
    for_each_gateway(|gateway| {
        let bridge = Bridge::start(gateway, &[]);
        let mut requests = 0.0;
        for run in 0..RUNS {
            let mut client = Client::start(bridge.address);
            client.post("long-1", run * 60);
            if run % 5 == 0 {
                client.kill();
                requests += LONG_1_REQUESTS;
            } else {
                client.post("long-4-shutdown", run * 60);
                client.end();
                requests += LONG_4_REQUESTS;
            }
        }
        let lines = wait_for_lines(gateway, "gptme_llm_requests_total{", |lines| {
            let sum: f64 = lines.iter().map(|line| value(line)).sum();
            (sum - requests).abs() < 0.1
        });
        let instances: BTreeSet<_> =
            lines.iter().map(|line| line.split("instance=").nth(1)).collect();
        assert_eq!(instances.len(), 50, "{lines:#?}");
        bridge.end();
    });
}

/// The requests that the fixtures count.
const LONG_1_REQUESTS: f64 = 3.0;
const LONG_4_REQUESTS: f64 = 5.0;
