//! `cargo xtask test`: runs the steps that a change has to pass, and names the tests that this machine had to skip.

use std::process::Command;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::packages;
use crate::process::{self, Interrupt};
use crate::{servers, tidy, workspace};

/// A step: its name and its action.
struct Step {
    /// The name on the command line.
    name: &'static str,
    action: Action,
}

enum Action {
    /// Runs another program.
    Program(Box<Command>),
    /// Runs a task of this package; the text is the command that runs the task alone.
    Task(fn(&Interrupt) -> Result<()>, &'static str),
}

/// The step that takes a filter.
const TESTS: &str = "tests";

/// Features that are off by default; the tests run with them.
const FEATURES: &str =
    "--features=prompush/native-histograms,prompush/process,prompush-gptme/serve";

/// The feature that adds a server. A library with this feature is tested with and without it.
const SERVE: &str = "serve";

/// Runs all steps, or the one that the arguments name, and prints how long each took.
///
/// The step `tests` takes one more argument, a filter for `cargo test`.
///
/// # Errors
///
/// When a step fails: the error names the command that runs the step again. When no step has the given name: the error
/// names the steps.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let filter = arguments.get(1).map(String::as_str);
    let mut steps = steps(filter)?;
    if let Some(name) = arguments.first() {
        check_arguments(name, arguments, &steps)?;
        steps.retain(|step| step.name == name);
    }
    let mut times = Vec::new();
    let result = perform(steps, &mut times);
    print_times(&times);
    let missing = servers::missing();
    if !missing.is_empty() {
        println!("skipped: tests against {}", missing.join(", "));
    }
    result?;
    let total = times.iter().map(|(_, time)| *time).sum();
    println!("cargo xtask test: PASSED in {}", seconds(total));
    Ok(())
}

fn check_arguments(name: &str, arguments: &[String], steps: &[Step]) -> Result<()> {
    let names: Vec<&str> = steps.iter().map(|step| step.name).collect();
    if !names.contains(&name) {
        bail!("there is no step `{name}`: the steps are {}", names.join(", "));
    }
    match arguments {
        [_] => Ok(()),
        [_, _] if name == TESTS => Ok(()),
        [_, _] => bail!("the step `{name}` takes no filter: only `{TESTS}` does"),
        _ => bail!("`cargo xtask test` takes a step and one filter, not `{}`", arguments.join(" ")),
    }
}

/// Performs the steps in order and stops at the first that fails.
fn perform(steps: Vec<Step>, times: &mut Vec<(&'static str, Duration)>) -> Result<()> {
    let count = steps.len();
    for (number, step) in (1..).zip(steps) {
        let command = step.action.shown();
        println!("[{number}/{count}] {}: {command}", step.name);
        let start = process::now();
        let result = step.action.perform();
        let time = process::now().duration_since(start);
        times.push((step.name, time));
        if let Err(error) = result {
            eprintln!("error: {error:#}");
            bail!("FAILED at the step `{}`; run it again with: {command}", step.name);
        }
        println!("[{number}/{count}] {}: passed in {}", step.name, seconds(time));
    }
    Ok(())
}

fn print_times(times: &[(&str, Duration)]) {
    let width = times.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    for (name, time) in times {
        println!("{name:<width$}  {:>8}", seconds(*time));
    }
}

fn steps(filter: Option<&str>) -> Result<Vec<Step>> {
    let mut tests = workspace::cargo(&["test", "--workspace", "--no-fail-fast", FEATURES]);
    tests.args(filter).env("PROMPUSH_TEST_SERVERS", workspace::servers());
    let mut docs = workspace::cargo(&["doc", "--no-deps", "--workspace"]);
    docs.env("RUSTDOCFLAGS", "-D warnings");
    let lints = ["clippy", "--workspace", "--all-targets", FEATURES, "--", "-D", "warnings"];
    let program = |name, command| Step { name, action: Action::Program(Box::new(command)) };
    Ok(vec![
        program("formatting", workspace::cargo(&["fmt", "--all", "--check"])),
        Step { name: "tidy", action: Action::Task(|_| tidy::check(), "cargo xtask tidy") },
        program("lints", workspace::cargo(&lints)),
        Step { name: "servers", action: Action::Task(servers::run, "cargo xtask servers") },
        program(TESTS, tests),
        program("without-serve", without_serve()?),
        program("docs", docs),
    ])
}

/// Tests the libraries that have the feature `serve` without this feature. In a build of the whole workspace, the
/// command line turns the feature on for all packages.
fn without_serve() -> Result<Command> {
    let mut tests = workspace::cargo(&["test", "--tests"]);
    for package in packages::read()? {
        if package.features.iter().any(|feature| feature == SERVE) {
            tests.args(["--package", &package.name]);
        }
    }
    tests.env("PROMPUSH_TEST_SERVERS", workspace::servers());
    Ok(tests)
}

impl Action {
    fn shown(&self) -> String {
        match self {
            Self::Program(command) => process::shown(command),
            Self::Task(_, command) => (*command).to_owned(),
        }
    }

    fn perform(self) -> Result<()> {
        match self {
            Self::Program(mut command) => process::run(&mut command, &Interrupt::default()),
            Self::Task(task, _) => task(&Interrupt::default()),
        }
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: Result<(), &str>) {
        let arguments: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let filter = arguments.get(1).map(String::as_str);
        let steps = steps(filter).expect("cargo describes the workspace");
        let result = check_arguments(arguments.first().expect("a step"), &arguments, &steps);
        let message = result.map_err(|error| error.to_string());
        match expected {
            Ok(()) => assert_eq!(message, Ok(()), "{line}"),
            Err(part) => assert!(message.is_err_and(|text| text.contains(part)), "{line}"),
        }
    }

    #[test]
    fn a_step_is_chosen_by_its_name() {
        check("lints", Ok(()));
        check("tests spool::", Ok(()));
        check("testing", Err("the steps are formatting, tidy, lints, servers, tests"));
        check("docs spool", Err("takes no filter"));
        check("tests spool replay", Err("one filter"));
    }

    #[test]
    fn the_filter_reaches_cargo_test() {
        let steps = steps(Some("spool::")).expect("cargo describes the workspace");
        let tests = steps.iter().find(|step| step.name == TESTS).expect("it is a step");
        assert!(tests.action.shown().ends_with(" spool::"), "{}", tests.action.shown());
    }
}
