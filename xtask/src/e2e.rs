//! `cargo xtask e2e`: the push path in containers, from `prompush` to the answer of Prometheus.
//!
//! The same scenario runs twice: against the official gateway and against `prompush gateway`. Each run has a
//! network of its own with the gateway and a Prometheus that scrapes the gateway with `honor_labels: true`.
//! `prompush` and the background pusher run outside of the containers and reach both servers through loopback
//! ports. The ports are published on 127.0.0.1, so the container engine has to be on this machine.

mod answers;
mod background;
mod deployment;
mod engine;
mod gptme;
mod images;
mod long;
mod report;
mod scenario;

pub(crate) use gptme::run_alone as run_gptme;

use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::process::{self, Interrupt};
use crate::{servers, workspace};
use deployment::{Deployment, GatewayImage};
use engine::Engine;
use report::Report;

/// The programs that the scenario runs.
struct Programs {
    prompush: std::path::PathBuf,
    background_pusher: std::path::PathBuf,
}

/// Runs the scenarios: in containers against each gateway, and with gptme. `--full` adds the long harnesses.
///
/// # Errors
///
/// When an argument is unknown, a step fails, or a signal comes. When docker or gptme is missing and `CI=true`;
/// without CI, the steps that need docker or gptme are skipped.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let is_full = match arguments {
        [] => false,
        [word] if word == "--full" => true,
        _ => bail!("`cargo xtask e2e` knows `--full`, not `{}`", arguments.join(" ")),
    };
    let interrupt = Interrupt::on_signals()?;
    servers::run(&interrupt)?;
    let programs = build(&interrupt)?;
    let mut report = Report::default();
    in_containers(&programs, &interrupt, &mut report)?;
    let result = gptme::run(&programs.prompush, &interrupt, &mut report);
    continue_after(result, &interrupt, &mut report)?;
    if is_full {
        let result = gptme::run_long(&programs.prompush, &interrupt, &mut report);
        continue_after(result, &interrupt, &mut report)?;
        let result = long::run(&interrupt, &mut report);
        continue_after(result, &interrupt, &mut report)?;
    }
    println!("{}", report.summary());
    if !report.all_passed() {
        bail!("a step of the end-to-end run failed");
    }
    Ok(())
}

/// Records the error of one part in the report, so that the next part still runs. After a signal, returns the error
/// instead, which ends the run.
fn continue_after(result: Result<()>, interrupt: &Interrupt, report: &mut Report) -> Result<()> {
    if let Err(error) = result {
        interrupt.check()?;
        report.stopped(&error);
    }
    Ok(())
}

/// Runs the scenario in containers against each gateway.
fn in_containers(programs: &Programs, interrupt: &Interrupt, report: &mut Report) -> Result<()> {
    let engine = match Engine::connect(interrupt.clone()) {
        Ok(engine) => engine,
        Err(error) => {
            interrupt.check()?;
            if workspace::is_ci() {
                return Err(error.context("docker is missing with CI=true"));
            }
            println!("skipped: the scenario in containers: {error:#}");
            return Ok(());
        }
    };
    let prometheus = images::prometheus(&engine)?;
    let gateways = [
        GatewayImage {
            reference: images::pushgateway(&engine)?,
            arguments: &["--persistence.file=", "--web.listen-address=0.0.0.0:9091"],
        },
        GatewayImage {
            reference: images::prompush(&engine, &programs.prompush)?,
            arguments: &[
                "gateway",
                "--web.listen-address=0.0.0.0:9091",
                // The set-up guide starts its gateway with these two arguments.
                "--push.disable-consistency-check",
                "--metric.expiration=300s",
            ],
        },
    ];
    for gateway in &gateways {
        println!("gateway: {}", gateway.reference);
        if let Err(error) = run_on(&engine, programs, gateway, &prometheus, report) {
            eprintln!("error: {error:#}");
        }
        interrupt.check()?;
    }
    Ok(())
}

fn run_on(
    engine: &Engine,
    programs: &Programs,
    gateway: &GatewayImage,
    prometheus: &str,
    report: &mut Report,
) -> Result<()> {
    let start = || Deployment::start(engine, &programs.prompush, gateway, prometheus);
    let deployment = report.step("gateway and Prometheus: start", start)?;
    let result = scenario::run(&deployment, &programs.background_pusher, report);
    if result.is_err() {
        eprint!("{}", deployment.logs());
    }
    result
}

/// Builds the programs that users get: the binary, and an example that uses the library.
fn build(interrupt: &Interrupt) -> Result<Programs> {
    let packages = ["build", "--release", "--package", "prompush-cli", "--package", "prompush"];
    let mut command = workspace::cargo(&packages);
    process::run(command.args(["--bin", "prompush", "--example", "background_pusher"]), interrupt)?;
    let release = workspace::target().join("release");
    let built = |path: &Path| {
        let program = release.join(path);
        program
            .is_file()
            .then_some(program)
            .with_context(|| format!("the build left no `{}`", path.display()))
    };
    Ok(Programs {
        prompush: built(Path::new("prompush"))?,
        background_pusher: built(Path::new("examples/background_pusher"))?,
    })
}
