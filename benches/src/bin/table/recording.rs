//! Recording by labels and through a handle, on one thread and on two.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use anyhow::Result;
use prompush_benches::measure::{Effort, Job, ThreadsJob, by_processor_time, by_wall_time};
use prompush_benches::peer::Prompush;
use prompush_benches::workload::{borrowed, counter_labels, pair_labels};
use prompush_benches::{Peer, Workload, for_each_peer, verify};

use crate::row::Row;

/// The number of series of each type.
const SERIES: Workload = Workload { counters: 100, gauges: 0, histograms: 100 };

/// The series of the first thread, and its distance from the series of the second thread.
const FIRST: u32 = 7;
const STEP: u32 = 50;

/// The observed values. A bench uses only the first value, or all in turn.
const VALUES: [f64; 16] =
    [0.3, 0.001, 7.0, 0.04, 0.6, 0.02, 1.5, 0.09, 40.0, 0.2, 0.007, 3.0, 0.8, 0.03, 20.0, 0.4];

const BARE: &str = "floor: bare atomic";

pub(crate) fn rows(effort: Effort) -> Result<Vec<Row>> {
    verify_recording()?;
    let mut rows = vec![
        Row::new("lookup_inc", "lookup by labels + inc, 1 thread", "ns/op")
            .with(by_processor_time(lookup_jobs()?, effort))
            .target(20.0)
            .best_peer_was(20.0),
    ];
    for (id, title, target, best, step) in [
        ("lookup_inc_2_own", "lookup + inc, 2 threads, own series", 14.0, 35.0, STEP),
        ("lookup_inc_2_same", "lookup + inc, 2 threads, same series", 20.0, 44.0, 0),
    ] {
        let measured = by_wall_time(&lookup_threads_jobs(step)?, 2, effort);
        rows.push(Row::new(id, title, "ns/op").with(measured).target(target).best_peer_was(best));
    }
    rows.push(
        Row::new("handle_inc", "inc through a handle, 1 thread", "ns/op")
            .with(by_processor_time(handle_jobs()?, effort))
            .note("the target is the bare atomic, see the floor"),
    );
    for (id, title, step) in [
        ("handle_inc_2_own", "inc through a handle, 2 threads, own series", STEP),
        ("handle_inc_2_same", "inc through a handle, 2 threads, same series", 0),
    ] {
        let measured = by_wall_time(&handle_threads_jobs(step)?, 2, effort);
        rows.push(Row::new(id, title, "ns/op").with(measured));
    }
    rows.push(
        Row::new("observe", "histogram observe, 1 thread", "ns/op")
            .with(by_processor_time(observe_jobs(0)?, effort))
            .target(6.0)
            .best_peer_was(8.4),
    );
    rows.push(
        Row::new("observe_spread", "histogram observe, values over all buckets", "ns/op")
            .with(by_processor_time(observe_jobs(1)?, effort)),
    );
    rows.push(
        Row::new("observe_2_same", "histogram observe, 2 threads, same series", "ns/op")
            .with(by_wall_time(&observe_threads_jobs()?, 2, effort))
            .target(12.0)
            .best_peer_was(12.0),
    );
    Ok(rows)
}

/// Checks that all libraries have the same values after the operations that the benches time.
fn verify_recording() -> Result<()> {
    let (labels, pair) = (counter_labels(FIRST), pair_labels(FIRST));
    let ours = Prompush::filled(SERIES)?;
    ours.add_by_labels(borrowed(&labels), 1);
    ours.inc(&ours.counter(borrowed(&labels)));
    ours.observe(&ours.histogram(borrowed(&pair)), 0.3);
    for_each_peer!(P => {
        let peer = P::filled(SERIES)?;
        peer.add_by_labels(borrowed(&labels), 1);
        peer.inc(&peer.counter(borrowed(&labels)));
        peer.observe(&peer.histogram(borrowed(&pair)), 0.3);
        verify::text(&ours, &peer)?;
    });
    Ok(())
}

fn lookup_jobs() -> Result<Vec<Job<'static>>> {
    let mut jobs = Vec::new();
    for_each_peer!(P => {
        let (peer, labels) = (P::filled(SERIES)?, counter_labels(FIRST));
        jobs.push(Job::new(P::NAME, move || {
            peer.add_by_labels(black_box(borrowed(&labels)), 1);
        }));
    });
    Ok(jobs)
}

fn lookup_threads_jobs(step: u32) -> Result<Vec<ThreadsJob<'static>>> {
    let mut jobs = Vec::new();
    for_each_peer!(P => {
        let peer = P::filled(SERIES)?;
        let labels = [counter_labels(FIRST), counter_labels(FIRST + step)];
        let run = move |thread: usize, times: u64| {
            let labels = borrowed(&labels[thread]);
            for _ in 0..times {
                peer.add_by_labels(black_box(labels), 1);
            }
        };
        jobs.push(ThreadsJob { library: P::NAME, run: Box::new(run), upkeep: Box::new(|| {}) });
    });
    Ok(jobs)
}

fn handle_jobs() -> Result<Vec<Job<'static>>> {
    let mut jobs = Vec::new();
    for_each_peer!(P => {
        let peer = P::filled(SERIES)?;
        let counter = peer.counter(borrowed(&counter_labels(FIRST)));
        jobs.push(Job::new(P::NAME, move || peer.inc(black_box(&counter))));
    });
    let bare = AtomicU64::new(0);
    jobs.push(Job::new(BARE, move || {
        black_box(&bare).fetch_add(1, Relaxed);
    }));
    Ok(jobs)
}

/// Counters so far apart that no two share a cache line.
#[repr(align(128))]
#[derive(Default)]
struct Padded(AtomicU64);

fn handle_threads_jobs(step: u32) -> Result<Vec<ThreadsJob<'static>>> {
    let mut jobs = Vec::new();
    for_each_peer!(P => {
        let peer = P::filled(SERIES)?;
        let counters =
            [FIRST, FIRST + step].map(|at| peer.counter(borrowed(&counter_labels(at))));
        let run = move |thread: usize, times: u64| {
            for _ in 0..times {
                peer.inc(black_box(&counters[thread]));
            }
        };
        jobs.push(ThreadsJob { library: P::NAME, run: Box::new(run), upkeep: Box::new(|| {}) });
    });
    let bare = [Padded::default(), Padded::default()];
    let run = move |thread: usize, times: u64| {
        let bare = &bare[if step == 0 { 0 } else { thread }];
        for _ in 0..times {
            black_box(&bare.0).fetch_add(1, Relaxed);
        }
    };
    jobs.push(ThreadsJob { library: BARE, run: Box::new(run), upkeep: Box::new(|| {}) });
    Ok(jobs)
}

fn observe_jobs(step: usize) -> Result<Vec<Job<'static>>> {
    let mut jobs = Vec::new();
    for_each_peer!(P => {
        let peer = Arc::new(P::filled(SERIES)?);
        let histogram = peer.histogram(borrowed(&pair_labels(FIRST)));
        let mut at = 0;
        let registry = Arc::clone(&peer);
        jobs.push(Job::with_upkeep(
            P::NAME,
            move || {
                at = (at + step) % VALUES.len();
                peer.observe(black_box(&histogram), black_box(VALUES[at]));
            },
            move || registry.run_upkeep(),
        ));
    });
    Ok(jobs)
}

fn observe_threads_jobs() -> Result<Vec<ThreadsJob<'static>>> {
    let mut jobs = Vec::new();
    for_each_peer!(P => {
        let peer = Arc::new(P::filled(SERIES)?);
        let histogram = peer.histogram(borrowed(&pair_labels(FIRST)));
        let registry = Arc::clone(&peer);
        let run = move |_: usize, times: u64| {
            for _ in 0..times {
                peer.observe(black_box(&histogram), black_box(VALUES[0]));
            }
        };
        jobs.push(ThreadsJob {
            library: P::NAME,
            run: Box::new(run),
            upkeep: Box::new(move || registry.run_upkeep()),
        });
    });
    Ok(jobs)
}
