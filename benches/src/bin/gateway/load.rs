//! The load: pushes over several connections at once, and scrapes.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use prompush_benches::measure::{number, wall_time};
use prompush_testing::{KeepAlive, http};

/// Connections that push at the same time; each stays open.
pub(crate) const CONNECTIONS: usize = 8;

/// Samples of a push.
pub(crate) const SAMPLES: usize = 20;

/// Samples of the gauge in a push, which tell the groups of a scrape apart.
const QUEUES: usize = 5;

/// The result of one round of pushes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Round {
    pub(crate) pushes_per_second: f64,
    pub(crate) median_ms: f64,
    pub(crate) p99_ms: f64,
}

/// Pushes into `groups` groups in turn for `length`.
///
/// # Errors
///
/// When a gateway refuses a push, or a connection fails.
pub(crate) fn push(address: SocketAddr, groups: usize, length: Duration) -> Result<Round> {
    let start = wall_time();
    let end = start + length;
    let mut times = on_connections(address, |connection, number| {
        let mut times = Vec::new();
        for count in 0.. {
            let before = wall_time();
            if before >= end {
                break;
            }
            push_one(connection, group_of(number, count, groups), count)?;
            times.push(before.elapsed().as_secs_f64() * 1e3);
        }
        Ok(times)
    })?
    .concat();
    let took = start.elapsed();
    times.sort_by(f64::total_cmp);
    let percentile = |percent: usize| {
        times.get((times.len() * percent / 100).min(times.len().saturating_sub(1))).copied()
    };
    Ok(Round {
        pushes_per_second: number(times.len() as u64) / took.as_secs_f64(),
        median_ms: percentile(50).context("no push ended within the round")?,
        p99_ms: percentile(99).context("no push ended within the round")?,
    })
}

/// Creates `groups` groups and returns their number, which is smaller when `within` has passed before.
///
/// # Errors
///
/// As [`push`].
pub(crate) fn fill(address: SocketAddr, groups: usize, within: Duration) -> Result<usize> {
    let deadline: Instant = wall_time() + within;
    let created = on_connections(address, |connection, number| {
        let mut created = 0_usize;
        for group in (number..groups).step_by(CONNECTIONS) {
            if wall_time() >= deadline {
                break;
            }
            push_one(connection, group, 0)?;
            created += 1;
        }
        Ok(created)
    })?;
    Ok(created.into_iter().sum())
}

/// A scrape that was answered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scrape {
    pub(crate) time: Duration,
    pub(crate) body_bytes: usize,
    /// The groups in the body.
    pub(crate) groups: usize,
}

/// Scrapes once.
///
/// # Errors
///
/// When the gateway does not answer 200.
pub(crate) fn scrape(address: SocketAddr) -> Result<Scrape> {
    let start = wall_time();
    let answer = http::get(address, "/metrics")?;
    let time = start.elapsed();
    ensure!(answer.status == 200, "the gateway answers {} to a scrape", answer.status);
    let mut lines = answer.body.split(|byte| *byte == b'\n');
    let groups = lines.by_ref().filter(|line| line.starts_with(b"queue_length{")).count() / QUEUES;
    Ok(Scrape { time, body_bytes: answer.body.len(), groups })
}

/// Runs `work` on every connection at once, with the number of the connection.
fn on_connections<T: Send>(
    address: SocketAddr,
    work: impl Fn(&mut KeepAlive, usize) -> Result<T> + Sync,
) -> Result<Vec<T>> {
    let work = &work;
    std::thread::scope(|scope| {
        let run = |number| move || work(&mut KeepAlive::connect(address)?, number);
        let threads: Vec<_> = (0..CONNECTIONS).map(|number| scope.spawn(run(number))).collect();
        let results = threads.into_iter().map(|thread| match thread.join() {
            Ok(result) => result,
            Err(_) => bail!("a thread that pushes panicked"),
        });
        results.collect()
    })
}

/// The groups of a connection in turn: no two connections push into the same group.
fn group_of(connection: usize, count: usize, groups: usize) -> usize {
    let own = (groups - connection).div_ceil(CONNECTIONS);
    connection + count % own * CONNECTIONS
}

fn push_one(connection: &mut KeepAlive, group: usize, count: usize) -> Result<()> {
    let target = format!("/metrics/job/load/instance/host-{group}");
    let answer = connection.request("PUT", &target, &[], body(count).as_bytes())?;
    // 202: without the consistency check a gateway answers before it has stored the push.
    let is_taken = matches!(answer.status, 200 | 202);
    ensure!(is_taken, "the gateway answers {} to a push: {}", answer.status, answer.text());
    Ok(())
}

/// A push of [`SAMPLES`] samples, whose values grow with `count`.
fn body(count: usize) -> String {
    let mut body = String::with_capacity(1500);
    family(&mut body, "calls_total", "counter", "Calls made.");
    for tool in 0..10 {
        let _ok = writeln!(body, "calls_total{{tool=\"tool-{tool}\"}} {}", count + tool);
    }
    family(&mut body, "queue_length", "gauge", "Entries that wait.");
    for queue in 0..QUEUES {
        let _ok = writeln!(body, "queue_length{{queue=\"queue-{queue}\"}} {}.5", count % 97);
    }
    family(&mut body, "wait_seconds", "histogram", "Time that a call waited.");
    for bound in ["0.1", "1", "+Inf"] {
        let _ok = writeln!(body, "wait_seconds_bucket{{le=\"{bound}\"}} {count}");
    }
    let _ok = writeln!(body, "wait_seconds_sum {count}.25\nwait_seconds_count {count}");
    body
}

fn family(body: &mut String, name: &str, metric_type: &str, help: &str) {
    let _ok = writeln!(body, "# HELP {name} {help}\n# TYPE {name} {metric_type}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_push_has_as_many_samples_as_it_says() {
        let body = body(7);
        assert_eq!(body.lines().filter(|line| !line.starts_with('#')).count(), SAMPLES);
    }

    #[test]
    fn connections_share_the_groups_among_them() {
        let mut seen = [0; 19];
        for connection in 0..CONNECTIONS {
            let own = (19 - connection).div_ceil(CONNECTIONS);
            for count in 0..own {
                seen[group_of(connection, count, 19)] += 1;
            }
        }
        assert_eq!(seen, [1; 19]);
    }
}
