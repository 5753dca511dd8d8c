//! Bodies that gptme once sent or served.

use std::path::{Path, PathBuf};

/// The folder of the fixtures.
const FOLDER: &str = "../testing/fixtures";

/// The file with an OTLP body as gptme sent it.
pub(crate) fn otlp_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(FOLDER).join("otlp").join(format!("{name}.bin"))
}

/// An OTLP body as gptme sent it.
pub(crate) fn otlp_body(name: &str) -> Vec<u8> {
    std::fs::read(otlp_file(name)).expect("a fixture")
}

/// A page of metrics as gptme served it.
pub(crate) fn scrape_body(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(FOLDER).join("scrape").join(name);
    std::fs::read(path).expect("a fixture")
}
