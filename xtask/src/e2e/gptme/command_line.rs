//! `cargo xtask gptme`: runs the steps alone, with another version of gptme or with more instances, or measures the
//! time of gptme's exit.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

use super::environment::Environment;
use super::exit_time;
use super::install::{self, Gptme};
use super::instances::{self, Mode};
use super::steps;
use crate::e2e::report::Report;
use crate::process::{self, Interrupt};
use crate::{servers, workspace};

/// The task that the arguments ask for.
#[derive(Debug, PartialEq, Eq)]
struct Task {
    version: String,
    mode: Mode,
    action: Action,
    /// An existing `prompush`. `None` builds one now.
    prompush: Option<PathBuf>,
}

#[derive(Debug, PartialEq, Eq)]
enum Action {
    /// The steps of the end-to-end run.
    Steps,
    /// This number of instances in sequence.
    Sequence(usize),
    /// The time that gptme's exit takes.
    Exit,
}

/// Runs the task that the arguments ask for.
///
/// # Errors
///
/// When gptme or a server is missing, a signal comes, or a total is wrong.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let task = parse(arguments)?;
    let interrupt = Interrupt::on_signals()?;
    servers::run(&interrupt)?;
    let prompush = match task.prompush {
        Some(program) => std::path::absolute(program)?,
        None => build(&interrupt)?,
    };
    let gptme = Gptme::install(&task.version, &interrupt)?;
    let environment = Environment::start(gptme, &prompush, &interrupt)?;
    match task.action {
        Action::Steps => steps::run(&environment, &mut Report::default()),
        Action::Sequence(count) => instances::run_in_sequence(&environment, task.mode, count),
        Action::Exit => exit_time::measure(&environment),
    }
}

/// Builds `prompush` without optimization, because gptme takes nearly all of the time of a run.
fn build(interrupt: &Interrupt) -> Result<PathBuf> {
    let mut command =
        workspace::cargo(&["build", "--package", "prompush-cli", "--bin", "prompush"]);
    process::run(&mut command, interrupt)?;
    Ok(workspace::target().join("debug").join("prompush"))
}

fn parse(arguments: &[String]) -> Result<Task> {
    let mut task = Task {
        version: install::VERSION.to_owned(),
        mode: Mode::Run,
        action: Action::Steps,
        prompush: None,
    };
    let mut words = arguments.iter().map(String::as_str);
    while let Some(word) = words.next() {
        let mut value = || words.next().with_context(|| format!("`{word}` needs a value"));
        match word {
            "--version" => value()?.clone_into(&mut task.version),
            "--runs" => {
                task.action =
                    Action::Sequence(value()?.parse().context("`--runs` needs a number")?);
            }
            "--way" => {
                task.mode = match value()? {
                    "run" => Mode::Run,
                    "bridge" => Mode::Bridge,
                    other => bail!("`--way` is `run` or `bridge`, not `{other}`"),
                };
            }
            "--prompush" => task.prompush = Some(value()?.into()),
            "--exit" => task.action = Action::Exit,
            unknown => bail!(
                "`cargo xtask gptme` knows `--version`, `--runs`, `--way`, `--exit` and `--prompush`, not `{unknown}`"
            ),
        }
    }
    Ok(task)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: Option<&Task>) {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        assert_eq!(parse(&words).ok().as_ref(), expected, "{line}");
    }

    #[test]
    fn arguments_are_read() {
        let task = |version: &str, mode, action| Task {
            version: version.to_owned(),
            mode,
            action,
            prompush: None,
        };
        check("", Some(&task(install::VERSION, Mode::Run, Action::Steps)));
        check(
            "--version 0.31.0 --way bridge --runs 5",
            Some(&task("0.31.0", Mode::Bridge, Action::Sequence(5))),
        );
        check("--exit", Some(&task(install::VERSION, Mode::Run, Action::Exit)));
        check("--way scrape", None);
        check("--runs", None);
        check("--fast", None);
    }
}
