//! `cargo xtask bench`: the benchmarks.

use anyhow::Result;

use crate::process::{self, Interrupt};
use crate::workspace;

/// Runs `cargo bench -p prompush-benches` with the arguments that were given.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let mut command = workspace::cargo(&["bench", "-p", "prompush-benches"]);
    process::run(command.args(arguments), &Interrupt::default())
}
