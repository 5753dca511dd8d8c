//! `cargo xtask bench`: the benchmarks.

use anyhow::Result;

use crate::{process, workspace};

/// Runs `cargo bench -p prompush-benches` with the arguments that were given.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    process::run(workspace::cargo(&["bench", "-p", "prompush-benches"]).args(arguments))
}
