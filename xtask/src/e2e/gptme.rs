//! Real gptme, against a model that counts, a real gateway and a real Prometheus: what is served is what they say.
//!
//! It runs on this machine rather than in containers: its processes are what is told apart, signalled and killed.

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

/// Goes through every step with the version that is pinned.
///
/// # Errors
///
/// When a step fails, a signal comes, or gptme cannot be installed with `CI=true`; without CI nothing is done then.
pub(super) fn run(prompush: &Path, interrupt: &Interrupt, report: &mut Report) -> Result<()> {
    let gptme = match Gptme::install(install::VERSION, interrupt) {
        Ok(gptme) => gptme,
        Err(error) => {
            interrupt.check()?;
            if workspace::is_ci() {
                return Err(error.context("gptme is missing with CI=true"));
            }
            println!("skipped: the scenario with gptme: {error:#}");
            return Ok(());
        }
    };
    println!("gptme: {}", gptme.version);
    let environment = report.step("model, gateway, Prometheus: start", || {
        Environment::start(gptme, prompush, interrupt)
    })?;
    steps::run(&environment, report)
}
