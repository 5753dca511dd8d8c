//! Creating series, and the allocations of each operation.

use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use prompush_benches::measure::{
    Effort, Job, Summary, by_processor_time, nanoseconds, number, processor_time,
};
use prompush_benches::workload::{borrowed, counter_labels};
use prompush_benches::{Peer, for_each_peer};
use serde_json::Value;

use crate::row::Row;

/// The number of series to create.
const SERIES: u32 = 100_000;

pub(crate) fn rows(effort: Effort) -> Result<Vec<Row>> {
    let labels: Vec<[String; 3]> = (0..SERIES).map(counter_labels).collect();
    let allocations = allocations()?;
    let counted = |id: &'static str, title: &str, unit: &'static str| {
        let libraries = allocations.as_object().into_iter().flatten();
        let mut cells = Vec::new();
        for (name, counts) in libraries {
            if let (Some(name), Some(count)) = (known(name), counts[id].as_f64()) {
                cells.push((name, Summary::of(&[count])));
            }
        }
        Row::new(id, title, unit).with(cells)
    };
    Ok(vec![
        Row::new("create", "creating a series, on the way to 100,000", "ns")
            .with(creating(&labels, effort)?)
            .target(300.0)
            .best_peer_was(290.0),
        counted("create_bytes", "a series' memory, of 100,000", "B")
            .target(160.0)
            .best_peer_was(117.0),
        Row::new("create_worst", "worst single creation on the way", "ms")
            .with(worst(&labels, effort)?)
            .target(0.5)
            .best_peer_was(0.6)
            .note("processor time, so that the time of other programs does not count"),
        counted("create_allocations", "allocations to create a series", "allocations"),
        counted("text_allocations", "allocations of a text encode, 3,500 lines", "allocations")
            .target(0.0),
        counted("text_bytes", "bytes allocated by it", "B"),
        counted("protobuf_allocations", "allocations of a protobuf encode", "allocations")
            .target(0.0),
        counted("lookup_allocations", "allocations of a lookup", "allocations").target(0.0),
    ])
}

fn creating(labels: &[[String; 3]], effort: Effort) -> Result<Vec<(&'static str, Summary)>> {
    let mut jobs = Vec::new();
    for_each_peer!(P => {
        P::new()?;
        let run = move |times: u64| {
            let mut time = std::time::Duration::ZERO;
            for _ in 0..times {
                if let Ok(peer) = P::new() {
                    let start = processor_time();
                    for labels in labels {
                        peer.add_by_labels(borrowed(labels), 0);
                    }
                    time += processor_time().saturating_sub(start);
                }
            }
            time
        };
        jobs.push(Job { library: P::NAME, run: Box::new(run) });
    });
    let measured = by_processor_time(jobs, effort).into_iter();
    let each = number(u64::from(SERIES));
    Ok(measured.map(|(name, value)| (name, value.map(|ns| ns / each))).collect())
}

/// Measures the slowest creation of a series, in milliseconds.
fn worst(labels: &[[String; 3]], effort: Effort) -> Result<Vec<(&'static str, Summary)>> {
    let mut runs: Vec<(&'static str, Vec<f64>)> = Vec::new();
    for _ in 0..effort.repetitions {
        for_each_peer!(P => {
            let peer = P::new()?;
            let (mut worst, mut before) = (0.0_f64, processor_time());
            for labels in labels {
                peer.add_by_labels(borrowed(labels), 0);
                let after = processor_time();
                worst = worst.max(nanoseconds(after.saturating_sub(before)) / 1e6);
                before = after;
            }
            match runs.iter_mut().find(|(name, _)| *name == P::NAME) {
                Some((_, values)) => values.push(worst),
                None => runs.push((P::NAME, vec![worst])),
            }
        });
    }
    Ok(runs.into_iter().map(|(name, values)| (name, Summary::of(&values))).collect())
}

/// Runs `allocations`, whose counting allocator would slow down the measurements here.
fn allocations() -> Result<Value> {
    let program = std::env::current_exe()?.with_file_name("allocations");
    let output = Command::new(&program).output().with_context(|| {
        format!("cannot start `{}`: `cargo xtask bench` builds it", program.display())
    })?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "`allocations` failed: {}", errors.trim());
    serde_json::from_slice(&output.stdout).context("`allocations` printed no JSON")
}

fn known(name: &str) -> Option<&'static str> {
    let mut known = None;
    for_each_peer!(P => if P::NAME == name {
        known = Some(P::NAME);
    });
    known
}
