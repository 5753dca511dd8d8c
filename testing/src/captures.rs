//! Bodies that real programs sent or served: see the `README.md` beside them.

use std::fs;
use std::path::PathBuf;

/// The body of an OTLP export of metrics, as it was on the wire, by its name without `.bin`.
///
/// # Panics
/// If there is no capture of that name.
#[track_caller]
pub fn otlp_capture(name: &str) -> Vec<u8> {
    read(&format!("otlp/{name}.bin"))
}

/// The export of that name in protobuf's JSON mapping.
///
/// # Panics
/// If there is no capture of that name.
#[track_caller]
pub fn otlp_capture_json(name: &str) -> Vec<u8> {
    read(&format!("otlp/{name}.json"))
}

/// The names of all captured exports of metrics, sorted.
///
/// # Panics
/// If the folder of the captures cannot be read.
#[track_caller]
pub fn otlp_captures() -> Vec<String> {
    let folder = folder().join("otlp");
    let entries = fs::read_dir(&folder).expect("the folder of the captures");
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.expect("an entry").file_name().into_string().ok())
        .filter_map(|file| file.strip_suffix(".bin").map(str::to_owned))
        .filter(|name| !name.starts_with("traces"))
        .collect();
    names.sort();
    names
}

/// A scraped body, by the name of its file.
///
/// # Panics
/// If there is no capture of that name.
#[track_caller]
pub fn scrape_capture(file: &str) -> Vec<u8> {
    read(&format!("scrape/{file}"))
}

#[track_caller]
#[expect(clippy::panic, reason = "a missing capture is a fault of the tests themselves")]
fn read(path: &str) -> Vec<u8> {
    let path = folder().join(path);
    match fs::read(&path) {
        Ok(body) => body,
        Err(error) => panic!("cannot read `{}`: {error}", path.display()),
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}
