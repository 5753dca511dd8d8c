//! Bodies that real programs sent or served. The `README.md` files in `fixtures` give their origin.

use std::fs;
use std::path::PathBuf;

/// The captured body of an OTLP export of metrics. `name` is the file name without `.bin`.
///
/// # Panics
///
/// When no capture has that name.
#[track_caller]
pub fn otlp_capture(name: &str) -> Vec<u8> {
    read(&format!("otlp/{name}.bin"))
}

/// The same export in the JSON mapping of protobuf.
///
/// # Panics
///
/// When no capture has that name.
#[track_caller]
pub fn otlp_capture_json(name: &str) -> Vec<u8> {
    read(&format!("otlp/{name}.json"))
}

/// The names of all captured exports of metrics, sorted.
///
/// # Panics
///
/// When the folder of the captures cannot be read.
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

/// A captured body of a scrape. `file` is the name of its file.
///
/// # Panics
///
/// When no capture has that name.
#[track_caller]
pub fn scrape_capture(file: &str) -> Vec<u8> {
    read(&format!("scrape/{file}"))
}

#[track_caller]
fn read(path: &str) -> Vec<u8> {
    let path = folder().join(path);
    let body = fs::read(&path);
    assert!(body.is_ok(), "cannot read `{}`: {body:?}", path.display());
    body.unwrap_or_default()
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}
