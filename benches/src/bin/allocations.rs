//! Counts allocations and prints them as JSON. This is a program of its own, because counting takes time.
//!
//! [`stats_alloc`] implements the allocator, so this program needs no unsafe code.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, reason = "a bench talks to whoever runs it")]

use std::alloc::System;

use anyhow::Result;
use prompush_benches::measure::number;
use prompush_benches::peer::Prompush;
use prompush_benches::workload::{borrowed, counter_labels};
use prompush_benches::{Peer, Workload, for_each_peer, verify};
use serde_json::{Map, Value, json};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, Stats, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// The number of series to create.
const SERIES: u32 = 100_000;

fn main() -> Result<()> {
    let mut counts = Map::new();
    for_each_peer!(P => {
        counts.insert(P::NAME.to_owned(), count::<P>()?);
    });
    println!("{:#}", Value::Object(counts));
    Ok(())
}

fn count<P: Peer>() -> Result<Value> {
    let mut counts = encoding::<P>()?;
    let labels: Vec<[String; 3]> = (0..SERIES).map(counter_labels).collect();
    let peer = P::new()?;
    let created = during(|| labels.iter().for_each(|at| peer.add_by_labels(borrowed(at), 0)));
    let looked_up = during(|| labels.iter().for_each(|at| peer.add_by_labels(borrowed(at), 1)));
    let each = |count: usize| number(count as u64) / number(u64::from(SERIES));
    let kept = created.bytes_allocated.saturating_sub(created.bytes_deallocated);
    counts.insert("create_bytes".to_owned(), json!(each(kept)));
    counts.insert("create_allocations".to_owned(), json!(each(allocations(&created))));
    counts.insert("lookup_allocations".to_owned(), json!(each(allocations(&looked_up))));
    Ok(Value::Object(counts))
}

/// Counts the allocations of an encode into a used buffer.
fn encoding<P: Peer>() -> Result<Map<String, Value>> {
    let (ours, peer) = (Prompush::filled(Workload::FULL)?, P::filled(Workload::FULL)?);
    verify::text(&ours, &peer)?;
    let mut counts = Map::new();
    let mut buffer = P::Buffer::default();
    peer.encode_text(&mut buffer)?;
    let text = during(|| peer.encode_text(&mut buffer).map(<[u8]>::len).is_ok());
    counts.insert("text_allocations".to_owned(), json!(allocations(&text)));
    counts.insert("text_bytes".to_owned(), json!(text.bytes_allocated));
    if P::HAS_PROTOBUF {
        let mut buffer = P::ProtobufBuffer::default();
        peer.encode_protobuf(&mut buffer)?;
        let protobuf = during(|| peer.encode_protobuf(&mut buffer).map(<[u8]>::len).is_ok());
        counts.insert("protobuf_allocations".to_owned(), json!(allocations(&protobuf)));
        counts.insert("protobuf_bytes".to_owned(), json!(protobuf.bytes_allocated));
    }
    Ok(counts)
}

fn during<T>(work: impl FnOnce() -> T) -> Stats {
    let region = Region::new(ALLOCATOR);
    std::hint::black_box(work());
    region.change()
}

/// The number of allocations. A reallocation counts, even one that grows in place.
fn allocations(stats: &Stats) -> usize {
    stats.allocations + stats.reallocations
}
