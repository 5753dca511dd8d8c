//! What the tests of this crate share: the fixtures, and sources as text.
#![allow(
    clippy::unwrap_used,
    dead_code,
    reason = "a test fails by panicking; each file uses its part"
)]

pub(crate) mod otlp_body;

use std::fs;
use std::path::PathBuf;

use prompush::{Encoder, Format, Source};

/// A file beside the bodies.
pub(crate) fn fixture_path(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/otlp").join(file)
}

/// The body of that name, as it was sent.
pub(crate) fn fixture(name: &str) -> Vec<u8> {
    fs::read(fixture_path(&format!("{name}.bin"))).unwrap()
}

/// The names of all bodies of metrics.
pub(crate) fn fixture_names() -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(fixture_path(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|file| file.strip_suffix(".bin").map(str::to_owned))
        .filter(|name| !name.starts_with("traces"))
        .collect();
    names.sort();
    names
}

/// A source in that format.
pub(crate) fn encode(source: &impl Source, format: Format) -> Vec<u8> {
    Encoder::new(format).encode(source).unwrap().to_owned()
}

/// A source as text 0.0.4.
pub(crate) fn text(source: &impl Source) -> String {
    String::from_utf8(encode(source, Format::Text)).unwrap()
}
