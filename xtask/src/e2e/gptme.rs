//! Runs real gptme with a model that counts its tokens, a real gateway and a real Prometheus. Prometheus must have
//! exactly the tokens that the model served.
//!
//! The scenario runs on this machine rather than in containers, because it signals and kills single processes.

mod command_line;
mod documents;
mod environment;
mod exit_time;
mod guide;
mod install;
mod instances;
mod shutdown;
mod steps;
mod totals;

pub(crate) use command_line::run as run_alone;

use std::path::Path;

use anyhow::Result;

use super::report::Report;
use crate::process::Interrupt;
use crate::workspace;
use environment::Environment;
use install::Gptme;
use instances::Mode;

/// The number of instances that run in sequence in the long part.
const SEQUENCE: usize = 10;

/// Runs every step with the pinned version of gptme.
///
/// # Errors
///
/// When a step fails, or a signal comes. When gptme cannot be installed and `CI=true`; without CI, the steps are
/// skipped.
pub(super) fn run(prompush: &Path, interrupt: &Interrupt, report: &mut Report) -> Result<()> {
    let Some(environment) = start(prompush, interrupt, report)? else { return Ok(()) };
    steps::run(&environment, report)
}

/// Runs the long part: instances in sequence in each mode, and the time that the exit of gptme takes.
///
/// # Errors
///
/// As [`run`].
pub(super) fn run_long(prompush: &Path, interrupt: &Interrupt, report: &mut Report) -> Result<()> {
    let Some(environment) = start(prompush, interrupt, report)? else { return Ok(()) };
    for mode in [Mode::Run, Mode::Bridge] {
        let name = format!("{}: {SEQUENCE} in sequence, every fifth killed", mode.name());
        report.step(&name, || instances::run_in_sequence(&environment, mode, SEQUENCE))?;
    }
    report.step("the time that the exit of gptme takes", || exit_time::measure(&environment))
}

/// Installs gptme and starts the servers. Returns `None` when gptme cannot be installed and its steps may be skipped.
fn start(
    prompush: &Path,
    interrupt: &Interrupt,
    report: &mut Report,
) -> Result<Option<Environment>> {
    let gptme = match Gptme::install(install::VERSION, interrupt) {
        Ok(gptme) => gptme,
        Err(error) => {
            interrupt.check()?;
            if workspace::is_ci() {
                return Err(error.context("gptme is missing with CI=true"));
            }
            println!("skipped: the scenario with gptme: {error:#}");
            return Ok(None);
        }
    };
    println!("gptme: {}", gptme.version);
    let start = || Environment::start(gptme, prompush, interrupt);
    report.step("model, gateway, Prometheus: start", start).map(Some)
}
