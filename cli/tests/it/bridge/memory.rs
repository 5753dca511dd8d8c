//! A thousand short runs leave a bridge as large as it was.

use std::fs;

use crate::bridge::client::Client;
use crate::support::{Bridge, OurGateway, WAIT_MAX, wait_for_lines};

/// Runs before the first look, in which buffers and tables reach their size.
const RUNS_BEFORE: u64 = 200;
/// Runs between the two looks.
const RUNS: u64 = 1000;
/// Runs at the same time.
const AT_ONCE: u64 = 4;

/// The growth of the bridge that is allowed, in KiB: a tenth of the memory of a thousand instances, which the
/// allocator may keep.
const GROWTH_MAX_KIB: u64 = 4096;

#[cfg(target_os = "linux")]
#[test]
fn a_thousand_short_runs_leave_the_memory_where_it_was() {
    let gateway = OurGateway::start(&[]);
    let bridge = Bridge::start(&gateway.url, &["--interval", "1s"]);
    play(&bridge, 0..RUNS_BEFORE);
    wait_for_ended(&gateway, RUNS_BEFORE);
    let before = resident_kib(&bridge);
    play(&bridge, RUNS_BEFORE..RUNS_BEFORE + RUNS);
    wait_for_ended(&gateway, RUNS_BEFORE + RUNS);
    let after = resident_kib(&bridge);
    println!("resident: {before} KiB after {RUNS_BEFORE} runs, {after} KiB after {RUNS} more");
    assert!(after < before + GROWTH_MAX_KIB, "{before} KiB, then {after} KiB");
    bridge.end();
}

fn play(bridge: &Bridge, runs: std::ops::Range<u64>) {
    let mut run = runs.start;
    while run < runs.end {
        let mut clients: Vec<Client> =
            (0..AT_ONCE).map(|_| Client::start(bridge.address)).collect();
        for client in &mut clients {
            client.post("long-4-shutdown", run);
            run += 1;
        }
        clients.into_iter().for_each(Client::end);
    }
}

/// Waits until so many instances have ended and been pushed, and the bridge has said so.
fn wait_for_ended(gateway: &OurGateway, runs: u64) {
    let expected = format!(" {runs}");
    prompush_testing::wait_until(WAIT_MAX * 2, "all have ended", || {
        let lines = wait_for_lines(&gateway.url, "prompush_receiver_instances", |_| true);
        let of = |name: &str| {
            lines.iter().find(|line| line.starts_with(name)).cloned().unwrap_or_default()
        };
        of("prompush_receiver_instances_ended_total{").ends_with(&expected)
            && of("prompush_receiver_instances{").ends_with(" 0")
    });
}

fn resident_kib(bridge: &Bridge) -> u64 {
    let status = format!("/proc/{}/status", bridge.process.0.id());
    let status = fs::read_to_string(status).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its size");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}
