//! `cargo xtask gptme`: the steps alone, other versions, more runs, and how long gptme's end takes.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};

use super::exit;
use super::install::{self, Gptme};
use super::instances::{self, Way};
use super::site::Site;
use crate::e2e::report::Report;
use crate::process::{self, Interrupt};
use crate::{servers, workspace};

/// What the arguments ask for.
#[derive(Debug, PartialEq, Eq)]
struct Task {
    version: String,
    way: Way,
    what: What,
    /// A `prompush` that is there, in place of one built now.
    prompush: Option<PathBuf>,
}

#[derive(Debug, PartialEq, Eq)]
enum What {
    /// The steps of the end-to-end run.
    Steps,
    /// So many instances one after the other.
    Row(usize),
    /// How long gptme's end takes.
    Exit,
}

/// Does what the arguments say.
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
    let site = Site::start(gptme, &prompush, &interrupt)?;
    match task.what {
        What::Steps => super::steps(&site, &mut Report::default()),
        What::Row(count) => instances::in_a_row(&site, task.way, count),
        What::Exit => exit::measure(&site),
    }
}

/// Without optimization: what takes time here is gptme.
fn build(interrupt: &Interrupt) -> Result<PathBuf> {
    let mut command =
        workspace::cargo(&["build", "--package", "prompush-cli", "--bin", "prompush"]);
    process::run(&mut command, interrupt)?;
    Ok(workspace::target().join("debug").join("prompush"))
}

fn parse(arguments: &[String]) -> Result<Task> {
    let mut task = Task {
        version: install::VERSION.to_owned(),
        way: Way::Run,
        what: What::Steps,
        prompush: None,
    };
    let mut words = arguments.iter().map(String::as_str);
    while let Some(word) = words.next() {
        let mut value = || words.next().with_context(|| format!("`{word}` needs a value"));
        match word {
            "--version" => value()?.clone_into(&mut task.version),
            "--runs" => task.what = What::Row(value()?.parse().context("`--runs` needs a number")?),
            "--way" => {
                task.way = match value()? {
                    "run" => Way::Run,
                    "bridge" => Way::Bridge,
                    other => bail!("`--way` is `run` or `bridge`, not `{other}`"),
                }
            }
            "--prompush" => task.prompush = Some(value()?.into()),
            "--exit" => task.what = What::Exit,
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
        let task = |version: &str, way, what| Task {
            version: version.to_owned(),
            way,
            what,
            prompush: None,
        };
        check("", Some(&task(install::VERSION, Way::Run, What::Steps)));
        check(
            "--version 0.31.0 --way bridge --runs 5",
            Some(&task("0.31.0", Way::Bridge, What::Row(5))),
        );
        check("--exit", Some(&task(install::VERSION, Way::Run, What::Exit)));
        check("--way scrape", None);
        check("--runs", None);
        check("--fast", None);
    }
}
