//! A program that pushes in the background while its gateway stops and starts again.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;

use super::answers::{wait_for_type, wait_for_values};
use super::deployment::{Deployment, SCRAPED_WITHIN};
use super::report::Report;
use crate::process;

/// The counter of the example `background_pusher`, and the job of its pushes.
const FAMILY: &str = "background_ticks_total";
const JOB: &str = "background";

/// The longest time until the pusher notices that the gateway is back. It covers the pusher's longest pause between
/// two attempts.
const RECOVERED_WITHIN: Duration = Duration::from_mins(1);

/// The longest time until the program ends: its deadline for the last push is five seconds.
const ENDED_WITHIN: Duration = Duration::from_secs(10);

/// Runs the steps of the background pusher.
pub(super) fn run(deployment: &Deployment<'_>, program: &Path, report: &mut Report) -> Result<()> {
    let mut pusher = report
        .step("background pusher: starts", || BackgroundPusher::start(deployment, program))?;
    report.step("background pusher: its values arrive while it runs", || {
        wait_for_at_least(deployment, 1)?;
        wait_for_type(deployment, FAMILY, "counter")
    })?;
    report.step("gateway stopped: Prometheus has none of its series", || {
        let code = deployment.stop_gateway()?;
        ensure!(code != 137, "the gateway did not end at SIGTERM and had to be killed");
        wait_for_values(deployment, FAMILY, &[])
    })?;
    report.step("gateway stopped: a push exits with code 69", || {
        deployment.prompush_ends(&["push", "--job", "late", "--timeout", "1s"], "late 1\n", 69)
    })?;
    report.step("gateway started again: the values are right", || {
        let before = pusher.recorded()?;
        deployment.start_gateway()?;
        wait_for_at_least(deployment, pusher.recorded()?.max(before + 1))?;
        wait_for_type(deployment, FAMILY, "counter")
    })?;
    let total =
        report.step("SIGTERM: the program ends in time", || pusher.terminate(deployment))?;
    report.step("SIGTERM: the last push has the final total", || {
        let exposition = deployment.exposition()?;
        let prefix = format!("{FAMILY}{{");
        let line = exposition.lines().find(|line| line.starts_with(&prefix) && line.contains(JOB));
        let held = line.and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok());
        ensure!(
            held.is_some_and(|held| held.to_string() == total.to_string()),
            "{line:?} instead of {total}"
        );
        wait_for_values(
            deployment,
            FAMILY,
            &[(json!({"__name__": FAMILY, "job": JOB}), &total.to_string())],
        )
    })
}

/// The running program; killed when dropped.
struct BackgroundPusher {
    child: Child,
    stdout: PathBuf,
}

impl BackgroundPusher {
    fn start(deployment: &Deployment<'_>, program: &Path) -> Result<Self> {
        let stdout = deployment.engine().scratch().join("background_pusher.out");
        let child = Command::new(program)
            .args([deployment.gateway_url().as_str(), JOB])
            .stdin(Stdio::null())
            .stdout(File::create(&stdout)?)
            .spawn()
            .with_context(|| format!("cannot start `{}`", program.display()))?;
        let pusher = Self { child, stdout };
        deployment.engine().interrupt().wait_for(ENDED_WITHIN, "the first tick", || {
            Ok((pusher.recorded()? > 0).then_some(()))
        })?;
        Ok(pusher)
    }

    /// The last count that the program printed, in a line `recorded <N>`; 0 before the first line.
    fn recorded(&self) -> Result<u64> {
        Ok(self.last("recorded ")?.unwrap_or(0))
    }

    /// Sends SIGTERM, waits until the program ends, and returns the total that the program printed last.
    fn terminate(&mut self, deployment: &Deployment<'_>) -> Result<u64> {
        let interrupt = deployment.engine().interrupt();
        process::signal(self.child.id(), "TERM")?;
        let status = interrupt
            .wait_for(ENDED_WITHIN, "the program to end", || Ok(self.child.try_wait()?))?;
        ensure!(status.success(), "the program ended with {status}");
        self.last("total ")?.context("the program printed no total")
    }

    /// The number in the last complete line that begins with `prefix`.
    fn last(&self, prefix: &str) -> Result<Option<u64>> {
        let text = fs::read_to_string(&self.stdout)?;
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let number = whole.lines().rev().find_map(|line| line.strip_prefix(prefix));
        number
            .map(|number| number.parse().with_context(|| format!("`{number}` is no number")))
            .transpose()
    }
}

impl Drop for BackgroundPusher {
    fn drop(&mut self) {
        self.child.kill().ok(); // it may have ended
        self.child.wait().ok();
    }
}

/// Waits until Prometheus answers with one series whose value is at least `least`.
fn wait_for_at_least(deployment: &Deployment<'_>, least: u64) -> Result<()> {
    let mut seen = Vec::new();
    let within = RECOVERED_WITHIN.max(SCRAPED_WITHIN);
    let result = deployment.engine().interrupt().wait_for(within, "Prometheus", || {
        seen = deployment.query(FAMILY)?;
        let value =
            seen.first().and_then(|sample| sample["value"][1].as_str()?.parse::<u64>().ok());
        Ok((seen.len() == 1 && value.is_some_and(|value| value >= least)).then_some(()))
    });
    result.map_err(|error| {
        error.context(format!("`{FAMILY}` answers {seen:?} instead of at least {least}"))
    })
}
