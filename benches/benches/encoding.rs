//! Encoding with each library. Criterion's throughput ("elements") gives the nanoseconds per sample line.
#![allow(missing_docs, clippy::unwrap_used, reason = "a bench")]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use prompush_benches::floor::Floor;
use prompush_benches::peer::Prompush;
use prompush_benches::{Peer, Workload, for_each_peer, verify};
use prompush_core::{Encoder, Format};

fn text(c: &mut Criterion, name: &str, workload: Workload) {
    let ours = Prompush::filled(workload).unwrap();
    let mut encoder = Encoder::default();
    let floor = Floor::of(ours.encode_text(&mut encoder).unwrap());
    let mut group = c.benchmark_group(name);
    group.throughput(Throughput::Elements(encoder.samples() as u64));
    for_each_peer!(P => {
        let peer = P::filled(workload).unwrap();
        verify::text(&ours, &peer).unwrap();
        let mut buffer = <P as Peer>::Buffer::default();
        group.bench_function(P::NAME, |b| {
            b.iter(|| peer.encode_text(&mut buffer).unwrap().len());
        });
    });
    let mut openmetrics = Encoder::new(Format::OpenMetrics);
    group.bench_function(BenchmarkId::new(Prompush::NAME, "openmetrics"), |b| {
        b.iter(|| openmetrics.encode(ours.registry()).unwrap().len());
    });
    let mut out = Vec::new();
    group.bench_function(BenchmarkId::new("floor", "memcpy"), |b| b.iter(|| floor.copy(&mut out)));
    group.bench_function(BenchmarkId::new("floor", "prefixes_and_numbers"), |b| {
        b.iter(|| floor.format(&mut out));
    });
    group.finish();
}

fn protobuf(c: &mut Criterion) {
    let ours = Prompush::filled(Workload::FULL).unwrap();
    let mut encoder = Encoder::default();
    ours.encode_text(&mut encoder).unwrap();
    let mut group = c.benchmark_group("protobuf_3500_lines");
    group.throughput(Throughput::Elements(encoder.samples() as u64));
    for_each_peer!(P => if P::HAS_PROTOBUF {
        let peer = P::filled(Workload::FULL).unwrap();
        verify::protobuf(&ours, &peer).unwrap();
        let mut buffer = <P as Peer>::ProtobufBuffer::default();
        group.bench_function(P::NAME, |b| {
            b.iter(|| peer.encode_protobuf(&mut buffer).unwrap().len());
        });
    });
    group.finish();
}

fn encoding(c: &mut Criterion) {
    text(c, "encode_3500_lines", Workload::FULL);
    text(c, "encode_100000_counters", Workload::counters(100_000));
    protobuf(c);
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = encoding
}
criterion_main!(benches);
