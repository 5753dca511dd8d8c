//! Guards: a flood of attribute values adds no series and no unbounded memory. A binary of its own,
//! because measuring memory takes a global allocator.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

use std::alloc::System;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use prompush::{Encoder, Format};
use prompush_otlp::{Export, Ingested, Instance, Rules};
use prompush_testing::otlp_body::{Message, Span, buckets, counter, export, histogram, integer};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Allocations are measured for the whole process, so only one test may run at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// The number of bytes that are allocated now.
fn held() -> isize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated.cast_signed() - stats.bytes_deallocated.cast_signed()
}

/// Ingests metrics of one scope.
fn ingest(instance: &Instance, metrics: &[Message]) -> Ingested {
    let body = export(&[("test", metrics.concat())]);
    let export = Export::decode(body).unwrap();
    instance.ingest(&export, SystemTime::UNIX_EPOCH)
}

fn text(instance: &Instance) -> String {
    String::from_utf8(Encoder::new(Format::Text).encode(instance).unwrap().to_owned()).unwrap()
}

/// Sends each message in one export, then all messages in every export, as most exporters do.
#[test]
fn a_flood_of_error_messages_leaves_as_many_series_and_as_much_memory() {
    const MESSAGES: usize = 100_000;
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let messages: Vec<String> =
        (0..MESSAGES).map(|number| format!("{number}: /tmp/{number} was not \"found\"")).collect();
    let points: Vec<Message> = messages.iter().map(|message| failed_call(message)).collect();

    let instance = Instance::new(Arc::new(Rules::default()));
    ingest(&instance, &[counter("tool_calls", &points[..20])]);
    let series = instance.samples();
    for part in points.chunks(10_000) {
        let ingested = ingest(&instance, &[counter("tool_calls", part)]);
        assert!(ingested.notices.len() <= 1, "{:?}", ingested.notices);
    }
    assert_eq!(instance.samples(), series);
    assert!(calls(&instance).ends_with(" 100000"), "{}", calls(&instance));
    let before = held();
    ingest(&instance, &[counter("tool_calls", &points)]);
    let grown = held() - before;
    assert!(grown < 10_000, "{grown} bytes more for what came before");
    assert_eq!(instance.samples(), series);
    assert!(calls(&instance).ends_with(" 100000"), "{}", calls(&instance));
    let text = text(&instance);
    assert!(text.contains("attributes_total{attribute=\"error_message\"} 200020\n"), "{text}");
}

fn failed_call(message: &str) -> Message {
    let labels = [("tool_name", "flaky"), ("success", "false"), ("error_message", message)];
    integer(&labels, Span(1, 9), 1)
}

fn calls(instance: &Instance) -> String {
    let text = text(instance);
    text.lines().find(|line| line.starts_with("tool_calls_total{")).unwrap().to_owned()
}

/// Memory must not grow with the number of messages either.
#[test]
fn memory_is_bounded_whatever_is_sent() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let instance = Instance::new(Arc::new(Rules::default()));
    let before = held();
    let bounds = [0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0];
    for round in 0..8 {
        let points: Vec<Message> = (0..5_000)
            .map(|number| {
                let message = format!("{round} {number}");
                let labels = [("tool_name", "flaky"), ("error_message", &*message)];
                buckets(&labels, Span(1, 9), 1.0, &bounds, &[1; 10])
            })
            .collect();
        ingest(&instance, &[histogram("tool_duration", 2, &points)]);
    }
    let grown = held() - before;
    assert!(grown < 12 << 20, "{grown} bytes for 40,000 messages");
    assert_eq!(instance.samples(), 12);
}
