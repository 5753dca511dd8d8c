//! Recording from one thread and from two, with and without a concurrent encode, in each library: the cost of a
//! lock. The last bench creates series.
//!
//! With two threads the time is the wall time per operation of one thread.
#![allow(missing_docs, clippy::unwrap_used, reason = "a bench")]

use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use prompush_benches::measure::{on_threads, wall_time};
use prompush_benches::workload::{borrowed, counter_labels, pair_labels};
use prompush_benches::{Peer, Workload, for_each_peer};

/// The number of threads, and the distance between their series.
const CASES: [(&str, usize, u32); 3] =
    [("1_thread", 1, 0), ("2_threads_same_series", 2, 0), ("2_threads_own_series", 2, 50)];

/// The time that `threads` threads need for `iterations` each.
fn time(threads: usize, iterations: u64, operation: impl Fn(usize) + Sync) -> Duration {
    on_threads(threads, |thread| (0..iterations).for_each(|_| operation(thread))).0
}

/// Looks up a counter by its labels and increments it.
fn lookup(c: &mut Criterion) {
    let mut group = c.benchmark_group("lookup_and_inc");
    for_each_peer!(P => {
        let peer = P::filled(Workload::counters(100)).unwrap();
        for (case, threads, step) in CASES {
            let labels = [counter_labels(7), counter_labels(7 + step)];
            group.bench_function(BenchmarkId::new(P::NAME, case), |b| {
                b.iter_custom(|iterations| {
                    time(threads, iterations, |thread| {
                        peer.add_by_labels(black_box(borrowed(&labels[thread])), 1);
                    })
                });
            });
        }
    });
    group.finish();
}

/// Increments a counter through a handle.
fn handle(c: &mut Criterion) {
    let mut group = c.benchmark_group("handle_inc");
    for_each_peer!(P => {
        let peer = P::filled(Workload::counters(100)).unwrap();
        for (case, threads, step) in CASES {
            let counters = [7, 7 + step].map(|at| peer.counter(borrowed(&counter_labels(at))));
            group.bench_function(BenchmarkId::new(P::NAME, case), |b| {
                b.iter_custom(|iterations| {
                    time(threads, iterations, |thread| peer.inc(black_box(&counters[thread])))
                });
            });
        }
    });
    group.finish();
}

/// Observes on a histogram that was kept.
fn observe(c: &mut Criterion) {
    let mut group = c.benchmark_group("observe");
    for_each_peer!(P => {
        let peer = P::filled(Workload::FULL).unwrap();
        let histogram = peer.histogram(borrowed(&pair_labels(7)));
        for (case, threads, _) in &CASES[..2] {
            group.bench_function(BenchmarkId::new(P::NAME, case), |b| {
                b.iter_custom(|iterations| {
                    let time = time(*threads, iterations, |_| {
                        peer.observe(black_box(&histogram), black_box(0.3));
                    });
                    peer.run_upkeep();
                    time
                });
            });
        }
    });
    group.finish();
}

/// Looks up a counter while another thread repeatedly encodes 20,000 counters.
fn lookup_during_encode(c: &mut Criterion) {
    let mut group = c.benchmark_group("lookup_during_encode");
    for_each_peer!(P => {
        let peer = P::filled(Workload::counters(20_000)).unwrap();
        let labels = counter_labels(7);
        let mut buffer = <P as Peer>::Buffer::default();
        group.bench_function(P::NAME, |b| {
            b.iter_custom(|iterations| {
                while_repeating(
                    || peer.encode_text(&mut buffer).is_ok(),
                    || {
                        let start = wall_time();
                        (0..iterations).for_each(|_| peer.add_by_labels(borrowed(&labels), 1));
                        start.elapsed()
                    },
                )
            });
        });
    });
    group.finish();
}

/// The result of `measured` while another thread repeats `work`.
fn while_repeating(
    mut work: impl FnMut() -> bool + Send,
    measured: impl FnOnce() -> Duration,
) -> Duration {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            loop {
                if done.load(Relaxed) || !work() {
                    break;
                }
            }
        });
        let time = measured();
        done.store(true, Relaxed);
        time
    })
}

/// Creates 10,000 series in an empty family.
fn create(c: &mut Criterion) {
    let labels: Vec<[String; 3]> = (0..10_000).map(counter_labels).collect();
    let mut group = c.benchmark_group("create");
    group.throughput(Throughput::Elements(labels.len() as u64));
    for_each_peer!(P => {
        group.bench_function(P::NAME, |b| {
            let create = |peer: P| {
                for labels in &labels {
                    peer.add_by_labels(borrowed(labels), 0);
                }
                peer
            };
            b.iter_batched(|| P::new().unwrap(), create, BatchSize::LargeInput);
        });
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = lookup, handle, observe, lookup_during_encode, create
}
criterion_main!(benches);
