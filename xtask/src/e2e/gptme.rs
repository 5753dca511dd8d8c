//! Real gptme, against a model that counts, a real gateway and a real Prometheus: what is served is what they say.
//!
//! It runs on this machine rather than in containers: its processes are what is told apart, signalled and killed.

mod by_hand;
mod documents;
mod ends;
mod exit;
mod guide;
mod install;
mod instances;
mod site;
mod totals;

pub(crate) use by_hand::run as run_by_hand;

use std::path::Path;

use anyhow::{Result, ensure};

use super::report::Report;
use crate::process::Interrupt;
use crate::workspace;
use install::Gptme;
use instances::Way;
use site::Site;

/// How many instances run at once.
const INSTANCES: usize = 10;

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
    let site = report
        .step("model, gateway, Prometheus: start", || Site::start(gptme, prompush, interrupt))?;
    steps(&site, report)
}

/// Everything on one site.
fn steps(site: &Site, report: &mut Report) -> Result<()> {
    report.step("run: ten at once and one killed, no token lost or counted twice", || {
        instances::at_once(site, Way::Run, INSTANCES)
    })?;
    report.step("bridge: ten at once and one killed, no token lost or counted twice", || {
        instances::at_once(site, Way::Bridge, INSTANCES)
    })?;
    report.step("run: the last values arrive however gptme ends", || ends::arrive(site))?;
    report.step("run: with the gateway gone at the end, they wait on disk", || {
        ends::are_kept(site)
    })?;
    report.step("the guide works from its first line to its last", || guide::works(site))?;
    report.step("every query of the guide answers", || documents::queries_answer(site))?;
    report.step("every query of the dashboard answers", || documents::dashboard_answers(site))?;
    report.step("the gateway has nothing to say against what was pushed", || {
        let log = site.gateway.log();
        let complaint = log.lines().find(|line| line.contains("inconsistent"));
        ensure!(complaint.is_none(), "the gateway says: {complaint:?}");
        Ok(())
    })?;
    report.step("the alert rules do what their tests say", || documents::rules_hold(site))
}
