//! `cargo xtask bench`: the table of measurements, the gateways under load, or criterion's benches.

use std::process::Command;

use anyhow::{Result, bail};

use crate::process::{self, Interrupt};
use crate::workspace;

/// The bench that the arguments ask for. The words are the arguments that the bench gets.
#[derive(Debug, PartialEq, Eq)]
enum Bench {
    /// The table of all libraries.
    Table(Vec<String>),
    /// The gateways under load.
    Gateway(Vec<String>),
    /// `cargo bench`.
    Criterion(Vec<String>),
}

/// Measures; the help of `cargo xtask` lists the arguments.
///
/// # Errors
///
/// When an argument is unknown, or a build or the bench fails.
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
            let words = ["cargo xtask bench"].into_iter();
            let words = words.chain(arguments.iter().map(String::as_str));
            let mut table = program("table");
            table.arg("--command").arg(words.collect::<Vec<_>>().join(" "));
            process::run(table.args(rest), &interrupt)
        }
        Bench::Gateway(rest) => gateway(&rest, &interrupt),
    }
}

/// Measures the given builds of `prompush`, or one that is built now. Measures Pushgateway too if this machine has it.
fn gateway(arguments: &[String], interrupt: &Interrupt) -> Result<()> {
    let mut build = workspace::cargo(&["build", "--release", "--package", "prompush-benches"]);
    process::run(build.args(["--bin", "gateway"]), interrupt)?;
    let mut bench = program("gateway");
    if !arguments.iter().any(|word| word == PROMPUSH) {
        let mut build = workspace::cargo(&["build", "--release", "--package", "prompush-cli"]);
        process::run(&mut build, interrupt)?;
        bench.arg(PROMPUSH).arg(workspace::target().join("release").join("prompush"));
    }
    bench.args(arguments);
    let pushgateway = workspace::servers().join("pushgateway-1.11.2");
    if pushgateway.is_file() {
        bench.arg("--pushgateway").arg(pushgateway);
    }
    process::run(&mut bench, interrupt)
}

/// A program of the benches, built with the release profile.
fn program(name: &str) -> Command {
    Command::new(workspace::target().join("release").join(name))
}

/// The option that names a build of `prompush`.
const PROMPUSH: &str = "--prompush";

fn parse(arguments: &[String]) -> Result<Bench> {
    match arguments.first().map(String::as_str) {
        Some("--criterion") => Ok(Bench::Criterion(rest_of(arguments))),
        Some("--gateway") => {
            checked(&rest_of(arguments), &[], &[PROMPUSH, "--groups"]).map(Bench::Gateway)
        }
        _ => checked(arguments, &["--quick"], &["--out"]).map(Bench::Table),
    }
}

fn rest_of(arguments: &[String]) -> Vec<String> {
    arguments.iter().skip(1).cloned().collect()
}

/// Returns the arguments if each one is a known flag, or a known option with its value.
fn checked(arguments: &[String], flags: &[&str], options: &[&str]) -> Result<Vec<String>> {
    let mut words = arguments.iter().map(String::as_str);
    while let Some(word) = words.next() {
        if options.contains(&word) {
            if words.next().is_none() {
                bail!("`{word}` needs a value");
            }
        } else if !flags.contains(&word) {
            bail!(
                "`cargo xtask bench` does not know `{word}` here: `cargo xtask` lists the options"
            );
        }
    }
    Ok(arguments.to_vec())
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
        check("--gateway --quick", None);
        let gateway = "--prompush old --prompush new --groups 100";
        check(&format!("--gateway {gateway}"), Some(&Bench::Gateway(words(gateway))));
    }
}
