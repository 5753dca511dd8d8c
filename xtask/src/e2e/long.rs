//! The long harnesses of the repository, which `cargo xtask e2e --full` runs after the scenarios.

use std::fs;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::report::Report;
use crate::process::{self, Interrupt};
use crate::{bench, workspace};

/// The time that each fuzz target runs, in seconds.
const FUZZED_FOR_S: u32 = 60;

/// Runs the loom models of threads, each fuzz target for a minute, the table of benches, and the gateways under load.
///
/// # Errors
///
/// When a harness fails, or a signal comes. When a tool is missing and `CI=true`; without CI, the harness that needs
/// the tool is skipped.
pub(super) fn run(interrupt: &Interrupt, report: &mut Report) -> Result<()> {
    report.step("models of threads", || models(interrupt))?;
    fuzz(interrupt, report)?;
    // Not among the results that are kept, because the machine may be busy.
    let out = workspace::target().join("e2e-full").display().to_string();
    let table = ["--quick".to_owned(), "--out".to_owned(), out];
    report.step("benches: the table", || bench::run(&table))?;
    report.step("benches: gateways under load", || bench::run(&["--gateway".to_owned()]))
}

/// Checks every order in which threads can record in a metric.
fn models(interrupt: &Interrupt) -> Result<()> {
    let mut command = workspace::cargo(&["test", "--release", "--package", "prompush-core"]);
    command.args(["--lib", "models"]).env("RUSTFLAGS", "--cfg prompush_loom");
    process::run(&mut command, interrupt)
}

fn fuzz(interrupt: &Interrupt, report: &mut Report) -> Result<()> {
    if process::find("cargo-fuzz").is_none() {
        if workspace::is_ci() {
            bail!("`cargo-fuzz` is missing with CI=true");
        }
        println!("skipped: the fuzz targets: this machine has no `cargo-fuzz`");
        return Ok(());
    }
    for target in fuzz_targets()? {
        report.step(&format!("fuzz: {target}"), || {
            process::run(&mut fuzz_command(&target), interrupt)
        })?;
    }
    Ok(())
}

/// The command that `fuzz/README.md` gives.
fn fuzz_command(target: &str) -> Command {
    let mut command = workspace::cargo(&["fuzz", "run", "--sanitizer", "none", target, "--"]);
    command.arg(format!("-max_total_time={FUZZED_FOR_S}")).arg("-max_len=4096");
    command.current_dir(workspace::root().join("fuzz")).env("RUSTC_BOOTSTRAP", "1");
    command
}

fn fuzz_targets() -> Result<Vec<String>> {
    let folder = workspace::root().join("fuzz").join("fuzz_targets");
    let entries = fs::read_dir(&folder)
        .with_context(|| format!("cannot list `{}`", folder.display()))?
        .collect::<Result<Vec<_>, _>>()?;
    let stem = |entry: &fs::DirEntry| Some(entry.path().file_stem()?.to_str()?.to_owned());
    let mut targets: Vec<String> = entries.iter().filter_map(stem).collect();
    targets.sort();
    Ok(targets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fuzz_targets_are_found_by_their_files() {
        let targets = fuzz_targets().expect("the folder is there");
        assert!(targets.iter().any(|target| target == "parse"), "{targets:?}");
    }
}
