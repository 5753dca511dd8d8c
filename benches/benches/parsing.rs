//! Parsing the body of 3,500 lines, in bytes per second.
#![allow(missing_docs, clippy::unwrap_used, reason = "a bench")]

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use prompush_benches::peer::Prompush;
use prompush_benches::{Peer, Workload};
use prompush_core::{Encoder, Format, parse};

fn parsing(c: &mut Criterion) {
    let ours = Prompush::filled(Workload::FULL).unwrap();
    let mut group = c.benchmark_group("parse_3500_lines");
    for (format, label) in [(Format::Text, "text"), (Format::OpenMetrics, "openmetrics")] {
        let body = Encoder::new(format).encode(ours.registry()).unwrap().to_vec();
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(label, |b| {
            b.iter(|| parse(&body, format).unwrap().families.len());
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = parsing
}
criterion_main!(benches);
