//! The steps of the scenario with gptme.

use anyhow::{Result, ensure};

use super::environment::Environment;
use super::instances::{self, Mode};
use super::{documents, guide, shutdown};
use crate::e2e::report::Report;

/// The number of instances that run at the same time.
const INSTANCES: usize = 10;

/// Runs every step in one environment.
///
/// # Errors
///
/// When a step fails, or a signal comes.
pub(super) fn run(environment: &Environment, report: &mut Report) -> Result<()> {
    report.step(
        "run: ten instances at once and one killed, no token lost or counted twice",
        || instances::run_concurrently(environment, Mode::Run, INSTANCES),
    )?;
    report.step(
        "bridge: ten instances at once and one killed, no token lost or counted twice",
        || instances::run_concurrently(environment, Mode::Bridge, INSTANCES),
    )?;
    report.step("run: the last values arrive however gptme ends", || {
        shutdown::last_values_arrive(environment)
    })?;
    report.step("run: while the gateway is gone, the last values wait on disk", || {
        shutdown::last_values_are_spooled(environment)
    })?;
    report
        .step("the guide works from its first line to its last", || guide::follow(environment))?;
    report
        .step("every query of the guide answers", || documents::check_guide_queries(environment))?;
    report.step("every query of the dashboard answers", || {
        documents::check_dashboard_queries(environment)
    })?;
    report.step("the gateway reports no inconsistent push", || {
        let log = environment.gateway.log();
        let complaint = log.lines().find(|line| line.contains("inconsistent"));
        ensure!(complaint.is_none(), "the gateway says: {complaint:?}");
        Ok(())
    })?;
    report.step("the alert rules pass their tests", || documents::check_alert_rules(environment))
}
