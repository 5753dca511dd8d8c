//! `cargo xtask bench`: the table of measurements, or criterion's benches.

use std::path::Path;

use anyhow::{Result, bail};

use crate::process::{self, Interrupt};
use crate::workspace;

/// What the arguments ask for.
#[derive(Debug, PartialEq, Eq)]
enum Bench {
    /// The table; what is passed on to its program.
    Table(Vec<String>),
    /// `cargo bench`; what is passed on to it.
    Criterion(Vec<String>),
}

/// Measures; the arguments are those of the task's help.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let interrupt = Interrupt::on_signals()?;
    match parse(arguments)? {
        Bench::Criterion(rest) => {
            let mut command = workspace::cargo(&["bench", "-p", "prompush-benches", "--benches"]);
            process::run(command.args(rest), &interrupt)
        }
        Bench::Table(rest) => {
            let mut build = workspace::cargo(&["build", "--release", "-p", "prompush-benches"]);
            build.args(["--bins", "--features", "client-protobuf"]);
            process::run(&mut build, &interrupt)?;
            let mut table = program(&workspace::target());
            let line =
                ["cargo xtask bench"].into_iter().chain(arguments.iter().map(String::as_str));
            table.arg("--command").arg(line.collect::<Vec<_>>().join(" "));
            process::run(table.args(rest), &interrupt)
        }
    }
}

fn program(target: &Path) -> std::process::Command {
    std::process::Command::new(target.join("release").join("table"))
}

fn parse(arguments: &[String]) -> Result<Bench> {
    let mut words = arguments.iter();
    let mut passed_on = Vec::new();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--criterion" if passed_on.is_empty() => {
                return Ok(Bench::Criterion(words.cloned().collect()));
            }
            "--quick" => passed_on.push(word.clone()),
            "--out" => {
                let Some(folder) = words.next() else { bail!("`--out` needs a folder") };
                passed_on.extend([word.clone(), folder.clone()]);
            }
            unknown => bail!(
                "`cargo xtask bench` knows `--quick`, `--out DIR` and `--criterion`, not `{unknown}`"
            ),
        }
    }
    Ok(Bench::Table(passed_on))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, expected: Option<&Bench>) {
        let arguments: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        assert_eq!(parse(&arguments).ok().as_ref(), expected, "{line}");
    }

    #[test]
    fn arguments_are_passed_on() {
        let words = |line: &str| line.split_whitespace().map(str::to_owned).collect();
        check("", Some(&Bench::Table(Vec::new())));
        check("--quick --out here", Some(&Bench::Table(words("--quick --out here"))));
        check("--criterion encode -- --quick", Some(&Bench::Criterion(words("encode -- --quick"))));
        check("--out", None);
        check("--quik", None);
        check("--quick --criterion", None);
    }
}
