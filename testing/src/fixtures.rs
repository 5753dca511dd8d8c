//! Files that the tests of several crates read.

use std::fs;
use std::path::{Path, PathBuf};

/// Returns the folder `tests/fixtures/<name>` of the crate that has it, so that no test names another crate's folder.
///
/// # Panics
///
/// When no crate of the workspace has such a folder.
#[track_caller]
pub fn fixtures(name: &str) -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    let workspace = manifest.parent().unwrap_or(manifest);
    let crates = fs::read_dir(workspace).into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = crates
        .map(|folder| folder.path().join("tests").join("fixtures").join(name))
        .filter(|folder| folder.is_dir())
        .collect();
    folders.sort();
    let found = folders.into_iter().next();
    assert!(found.is_some(), "no crate has a folder `tests/fixtures/{name}`");
    found.unwrap_or_default()
}
