//! Encoding, ours beside `prometheus-client`: nanoseconds are per sample line by way of
//! criterion's throughput ("elements").
#![allow(missing_docs, clippy::unwrap_used, reason = "a bench")]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use prompush_benches::{Workload, ours, theirs};
use prompush_core::{Encoder, Format};

fn encode(c: &mut Criterion, name: &str, workload: Workload) {
    let (our_registry, (their_registry, _)) = (ours(workload).unwrap(), theirs(workload));
    let mut encoder = Encoder::new(Format::Text);
    encoder.encode(&our_registry).unwrap();
    let mut group = c.benchmark_group(name);
    group.throughput(Throughput::Elements(encoder.samples() as u64));
    for (format, label) in [(Format::Text, "text"), (Format::OpenMetrics, "openmetrics")] {
        let mut encoder = Encoder::new(format);
        group.bench_function(BenchmarkId::new("prompush", label), |b| {
            b.iter(|| encoder.encode(&our_registry).unwrap().len());
        });
    }
    let mut text = String::new();
    group.bench_function(BenchmarkId::new("prometheus-client", "openmetrics"), |b| {
        b.iter(|| {
            text.clear();
            prometheus_client::encoding::text::encode(&mut text, &their_registry).unwrap();
            text.len()
        });
    });
    let out = encoder.encode(&our_registry).unwrap().to_vec();
    let mut copy = Vec::with_capacity(out.len());
    group.bench_function(BenchmarkId::new("floor", "memcpy"), |b| {
        b.iter(|| {
            copy.clear();
            copy.extend_from_slice(&out);
            copy.len()
        });
    });
    group.finish();
}

fn encoding(c: &mut Criterion) {
    encode(c, "encode_3500_lines", Workload::FULL);
    encode(c, "encode_100000_counters", Workload::counters(100_000));
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = encoding
}
criterion_main!(benches);
