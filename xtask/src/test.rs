//! `cargo xtask test`: everything a change has to pass, and the names of what it could not check.

use std::process::Command;
use std::time::Instant;

use anyhow::{Result, bail};

use crate::process::{self, Interrupt};
use crate::{servers, tidy, workspace};

/// A step: what it is, and how it is done.
struct Step {
    name: &'static str,
    action: Action,
}

enum Action {
    /// Another program.
    Program(Box<Command>),
    /// A task of ours, and the command that runs it alone.
    Task(fn(&Interrupt) -> Result<()>, &'static str),
}

/// What is off unless asked for, and tested all the same.
const FEATURES: &str =
    "--features=prompush/native-histograms,prompush/process,prompush-gptme/serve";

/// Runs the steps in order and stops at the first that fails, naming the command that runs it again.
pub(crate) fn run() -> Result<()> {
    let start = process::now();
    let steps = steps();
    let count = steps.len();
    for (number, step) in (1..).zip(steps) {
        let rerun = step.action.shown();
        println!("[{number}/{count}] {}: {rerun}", step.name);
        let step_start = process::now();
        if let Err(error) = step.action.perform() {
            eprintln!("error: {error:#}");
            bail!(
                "FAILED at step {number} of {count} ({}) after {}; run it again with: {rerun}",
                step.name,
                since(start)
            );
        }
        println!("[{number}/{count}] {}: passed in {}", step.name, since(step_start));
    }
    let missing = servers::missing();
    if !missing.is_empty() {
        println!("skipped: tests against {}", missing.join(", "));
    }
    println!("cargo xtask test: PASSED, {count} steps in {}", since(start));
    Ok(())
}

fn steps() -> Vec<Step> {
    let mut tests = workspace::cargo(&["test", "--workspace", "--no-fail-fast", FEATURES]);
    tests.env("PROMPUSH_TEST_SERVERS", workspace::servers());
    // Whoever builds it alone has not the feature `serve`, which the workspace unites it with.
    let mut alone =
        workspace::cargo(&["test", "--package=prompush-otlp", "--package=prompush-gptme"]);
    alone.env("PROMPUSH_TEST_SERVERS", workspace::servers());
    let mut docs = workspace::cargo(&["doc", "--no-deps", "--workspace"]);
    docs.env("RUSTDOCFLAGS", "-D warnings");
    let clippy = workspace::cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        FEATURES,
        "--",
        "-D",
        "warnings",
    ]);
    let formatting = workspace::cargo(&["fmt", "--all", "--check"]);
    vec![
        Step { name: "formatting", action: Action::Program(Box::new(formatting)) },
        Step { name: "tidy", action: Action::Task(|_| tidy::run(), "cargo xtask tidy") },
        Step { name: "lints", action: Action::Program(Box::new(clippy)) },
        Step { name: "servers", action: Action::Task(servers::run, "cargo xtask servers") },
        Step { name: "tests", action: Action::Program(Box::new(tests)) },
        Step { name: "without features", action: Action::Program(Box::new(alone)) },
        Step { name: "docs", action: Action::Program(Box::new(docs)) },
    ]
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

fn since(start: Instant) -> String {
    format!("{:.1} s", process::now().duration_since(start).as_secs_f64())
}
