//! Writing and reading expositions.

use std::hint::black_box;

use anyhow::Result;
use prompush_benches::floor::Floor;
use prompush_benches::measure::{Effort, Job, Summary, by_processor_time, number};
use prompush_benches::peer::Prompush;
use prompush_benches::{Peer, Workload, for_each_peer, verify};
use prompush_core::{Encoder, Exposition, Format, parse};

use crate::row::{Better, Row};

/// Series of the large registry.
const MANY: u32 = 100_000;

pub(crate) fn rows(effort: Effort) -> Result<Vec<Row>> {
    let full = Workload::FULL;
    let mut rows = vec![
        text("text_encode", "text encode, 3,500 lines", full, effort)?
            .target(20.0)
            .best_peer_was(74.0),
        text("text_encode_100k", "text encode, 100,000 series", Workload::counters(MANY), effort)?
            .target(60.0)
            .best_peer_was(260.0),
        protobuf(effort)?.target(25.0).best_peer_was(343.0),
    ];
    for (id, title, format) in [
        ("parse_text", "parse text, 3,500 lines", Format::Text),
        ("parse_openmetrics", "parse OpenMetrics, 3,500 lines", Format::OpenMetrics),
    ] {
        rows.push(parsing(id, title, format, effort)?);
    }
    Ok(rows)
}

/// Measures the text encoder, in nanoseconds per sample line.
fn text(id: &'static str, title: &str, workload: Workload, effort: Effort) -> Result<Row> {
    let ours = Prompush::filled(workload)?;
    let mut encoder = Encoder::default();
    let floor = Floor::of(ours.encode_text(&mut encoder)?);
    let lines = number(encoder.samples() as u64);
    let mut jobs = Vec::new();
    for_each_peer!(P => {
        let peer = P::filled(workload)?;
        verify::text(&ours, &peer)?;
        let mut buffer = <P as Peer>::Buffer::default();
        jobs.push(Job::new(P::NAME, move || {
            // The same encode succeeded in `verify::text`.
            black_box(peer.encode_text(&mut buffer).map_or(0, <[u8]>::len));
        }));
    });
    jobs.push(memcpy(&floor));
    let mut formatted = Vec::new();
    let floor = &floor;
    jobs.push(Job::new("floor: prefixes + numbers", move || {
        floor.format(&mut formatted);
        black_box(formatted.as_slice());
    }));
    let measured = by_processor_time(jobs, effort);
    Ok(Row::new(id, title, "ns/line").with(by(lines, measured)))
}

/// Measures the protobuf encoder, in nanoseconds per sample line of the same registry as text.
fn protobuf(effort: Effort) -> Result<Row> {
    let workload = Workload::FULL;
    let ours = Prompush::filled(workload)?;
    let mut encoder = Encoder::default();
    ours.encode_text(&mut encoder)?;
    let (mut bytes, mut jobs) = (Vec::new(), Vec::new());
    for_each_peer!(P => if P::HAS_PROTOBUF {
        let peer = P::filled(workload)?;
        verify::protobuf(&ours, &peer)?;
        let mut buffer = <P as Peer>::ProtobufBuffer::default();
        let encoded = peer.encode_protobuf(&mut buffer)?;
        if bytes.is_empty() {
            bytes = encoded.to_vec();
        }
        jobs.push(Job::new(P::NAME, move || {
            black_box(peer.encode_protobuf(&mut buffer).map_or(0, <[u8]>::len));
        }));
    });
    let floor = Floor::of(&bytes);
    let jobs = jobs.into_iter().chain([memcpy(&floor)]).collect();
    let lines = number(encoder.samples() as u64);
    let measured = by_processor_time(jobs, effort);
    Ok(Row::new("protobuf_encode", "protobuf encode, 3,500 lines", "ns/sample")
        .with(by(lines, measured)))
}

/// Measures the parser, in megabytes per second.
fn parsing(id: &'static str, title: &str, format: Format, effort: Effort) -> Result<Row> {
    let ours = Prompush::filled(Workload::FULL)?;
    let mut encoder = Encoder::new(format);
    let body = encoder.encode(ours.registry())?;
    parse(body, format)?;
    let floor = Floor::of(body);
    let mut lines = 0;
    let jobs = vec![
        Job::new(Prompush::NAME, || {
            black_box(
                parse(body, format)
                    .map_or(0, |exposition: Exposition<'_>| exposition.families.len()),
            );
        }),
        memcpy(&floor),
        Job::new("floor: count lines", || {
            lines = body.split(|byte| *byte == b'\n').count();
            black_box(lines);
        }),
    ];
    let size = number(body.len() as u64);
    let measured = by_processor_time(jobs, effort).into_iter();
    let measured = measured.map(|(name, ns)| (name, ns.map(|ns| size * 1000.0 / ns)));
    let row = Row { better: Better::More, ..Row::new(id, title, "MB/s") }.with(measured);
    Ok(if format == Format::Text { row.target(500.0) } else { row })
}

fn memcpy(floor: &Floor) -> Job<'_> {
    let mut copied = Vec::new();
    Job::new("floor: memcpy", move || {
        floor.copy(&mut copied);
        black_box(copied.as_slice());
    })
}

fn by(
    count: f64,
    measured: Vec<(&'static str, Summary)>,
) -> impl Iterator<Item = (&'static str, Summary)> {
    measured.into_iter().map(move |(name, value)| (name, value.map(|value| value / count)))
}
