//! Recording from one thread and from two, ours beside `prometheus-client`, with and without an
//! encode going on: what a lock would cost.
//!
//! With two threads the time is wall time per operation of one thread.
#![allow(missing_docs, clippy::unwrap_used, reason = "a bench")]

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use prompush_benches::{
    Workload, counter_labels, our_counters, ours, their_counter_labels, theirs,
};
use prompush_core::{Encoder, Format, Registry};

/// The time that `threads` threads need for `iterations` each.
#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn on_threads(threads: u32, iterations: u64, operation: impl Fn(u32) + Sync) -> Duration {
    let start = Instant::now();
    std::thread::scope(|scope| {
        for thread in 0..threads {
            let operation = &operation;
            scope.spawn(move || (0..iterations).for_each(|_| operation(thread)));
        }
    });
    start.elapsed()
}

/// Looks up a counter by its labels and increments it, on the same series or on one's own.
fn lookup(c: &mut Criterion) {
    let registry = Registry::new();
    let our_family = our_counters(&registry).unwrap();
    let (_, their_family) = theirs(Workload::counters(100));
    let values: Vec<[String; 3]> = (0..100).map(counter_labels).collect();
    for values in &values {
        our_family.with([&values[0], &values[1], &values[2]]);
    }
    let their_keys: Vec<_> = (0..100).map(their_counter_labels).collect();
    let mut group = c.benchmark_group("lookup_and_inc");
    for (threads, series, step) in [(1, "one", 0), (2, "same", 0), (2, "own", 50)] {
        let label = format!("{threads}_threads_{series}_series");
        group.bench_function(BenchmarkId::new("prompush", &label), |b| {
            b.iter_custom(|iterations| {
                on_threads(threads, iterations, |thread| {
                    let [tool, provider, success] = &values[(thread * step) as usize];
                    our_family.with([tool, provider, success]).inc();
                })
            });
        });
        group.bench_function(BenchmarkId::new("prometheus-client", &label), |b| {
            b.iter_custom(|iterations| {
                on_threads(threads, iterations, |thread| {
                    their_family.get_or_create(&their_keys[(thread * step) as usize]).inc();
                })
            });
        });
    }
    group.finish();
}

/// Looks up a counter while another thread encodes 20,000 of them over and over.
fn lookup_during_encode(c: &mut Criterion) {
    let workload = Workload::counters(20_000);
    let registry = Registry::new();
    let our_family = our_counters(&registry).unwrap();
    for at in 0..workload.counters {
        our_family.with(counter_labels(at)).inc();
    }
    let (their_registry, their_family) = theirs(workload);
    let values = counter_labels(7);
    let their_key = their_counter_labels(7);
    let mut group = c.benchmark_group("lookup_during_encode");
    group.bench_function("prompush", |b| {
        let mut encoder = Encoder::new(Format::Text);
        b.iter_custom(|iterations| {
            beside(
                || encoder.encode(&registry).map(<[u8]>::len).is_ok(),
                || {
                    on_threads(1, iterations, |_| {
                        our_family.with([&values[0], &values[1], &values[2]]).inc();
                    })
                },
            )
        });
    });
    group.bench_function("prometheus-client", |b| {
        let mut text = String::new();
        b.iter_custom(|iterations| {
            beside(
                || {
                    text.clear();
                    prometheus_client::encoding::text::encode(&mut text, &their_registry).is_ok()
                },
                || {
                    on_threads(1, iterations, |_| {
                        their_family.get_or_create(&their_key).inc();
                    })
                },
            )
        });
    });
    group.finish();
}

/// What `measured` measures while another thread does `work` over and over.
fn beside(mut work: impl FnMut() -> bool + Send, measured: impl FnOnce() -> Duration) -> Duration {
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

/// Observes on a held histogram.
fn observe(c: &mut Criterion) {
    let registry = ours(Workload::FULL).unwrap();
    let buckets = prompush_core::Buckets::new(prompush_benches::BUCKETS).unwrap();
    let our_histogram = registry.histogram("seconds", "", buckets).unwrap();
    let their_histogram =
        prometheus_client::metrics::histogram::Histogram::new(prompush_benches::BUCKETS);
    let mut group = c.benchmark_group("observe");
    for threads in [1, 2] {
        let label = format!("{threads}_threads_same_series");
        group.bench_function(BenchmarkId::new("prompush", &label), |b| {
            b.iter_custom(|n| on_threads(threads, n, |_| our_histogram.observe(0.3)));
        });
        group.bench_function(BenchmarkId::new("prometheus-client", &label), |b| {
            b.iter_custom(|n| on_threads(threads, n, |_| their_histogram.observe(0.3)));
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = lookup, lookup_during_encode, observe
}
criterion_main!(benches);
