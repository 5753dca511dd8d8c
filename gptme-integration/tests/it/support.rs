//! Helpers of all tests: snapshots, and sources as text.

use std::path::PathBuf;
use std::time::SystemTime;

use prompush::{Encoder, Format, Source};
use prompush_otlp::{Export, Ingested, Instance};
use prompush_testing::otlp_body::{self, Message};

/// The snapshot of that name.
pub(crate) fn snapshot_path(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/snapshots");
    folder.join(format!("{name}.prom"))
}

/// A source in that format.
pub(crate) fn encode(source: &impl Source, format: Format) -> Vec<u8> {
    Encoder::new(format).encode(source).unwrap().to_owned()
}

/// A source as text 0.0.4.
pub(crate) fn text(source: &impl Source) -> String {
    String::from_utf8(encode(source, Format::Text)).unwrap()
}

/// Ingests metrics of one scope.
pub(crate) fn ingest(instance: &Instance, metrics: &[Message]) -> Ingested {
    let body = otlp_body::export(&[("test", metrics.concat())]);
    let export = Export::decode(body).unwrap();
    instance.ingest(&export, SystemTime::UNIX_EPOCH)
}
