//! Tasks of the workspace: `cargo xtask` lists them.
//!
//! It depends on none of the library crates, so that it builds while they do not: only on the servers for tests,
//! whose HTTP client and free ports it shares.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a task talks to whoever runs it")]

mod apt;
mod bench;
mod codegen;
mod e2e;
mod packages;
mod process;
mod servers;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

use anyhow::{Result, bail};

const HELP: &str = "\
Tasks of the prompush workspace.

Usage: cargo xtask <task>

  test     runs every step that a change has to pass, and says how long each took
             STEP            runs only this step: formatting, tidy, lints, servers, tests,
                             without-serve, docs
             tests FILTER    runs only the tests whose names contain FILTER
  codegen  writes docs/cli.md and docs/metrics.md from the code
             --check         names the pages that are stale, and writes nothing
  e2e      the push path in containers: prompush, a gateway, Prometheus (needs docker);
           and with gptme from the Python package registry (needs python3-venv)
  tidy     the rules of the workspace that no compiler holds
             circles [PACKAGE]  prints only the circles between files, and their names
  servers  gets the real Pushgateways and Prometheus for tests into target/servers
  bench    measures prompush beside other libraries: a table, and results.json, in
           benches/results/<date>-<processor>
             --quick      fewer repetitions: two or three minutes
             --out DIR    puts the results there
             --gateway    measures gateways under load instead, within a minute: pushes per
                          second over eight connections, and a scrape of 10,000 groups
                 --prompush FILE  measures that program instead of one built now; may be
                                  given more than once
                 --groups N       pushes into N groups in turn (500)
             --criterion  runs criterion's benches instead; what follows goes to `cargo bench`
  gptme    the part of `e2e` with gptme alone, or by hand
             --runs N            N instances in a row, every fifth killed, instead
             --exit              how long gptme's end takes, instead
             --version V         another gptme, from 0.29 on
             --way run|bridge    how the metrics of `--runs` are pushed (run)
             --prompush FILE     that program, instead of an unoptimized one built now
  help     this text

With CI=true, what is missing on the machine is a failure instead of a skipped part.
";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let task = arguments.next().unwrap_or_default();
    let rest: Vec<String> = arguments.collect();
    match perform(&task, &rest) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            let interrupted = error.downcast_ref::<process::Interrupted>();
            ExitCode::from(interrupted.map_or(1, |interrupted| interrupted.exit_code()))
        }
    }
}

fn perform(task: &str, rest: &[String]) -> Result<()> {
    let takes_arguments = matches!(task, "bench" | "codegen" | "gptme" | "test" | "tidy");
    if !takes_arguments && !rest.is_empty() {
        bail!("`cargo xtask {task}` takes no arguments, not `{}`", rest.join(" "));
    }
    match task {
        "test" => test::run(rest),
        "codegen" => codegen::run(rest),
        "e2e" => e2e::run(),
        "tidy" => tidy::run(rest),
        "servers" => servers::run(&process::Interrupt::default()),
        "bench" => bench::run(rest),
        "gptme" => e2e::run_gptme(rest),
        "" | "help" | "--help" | "-h" => {
            print!("{HELP}");
            Ok(())
        }
        unknown => bail!("there is no task `{unknown}`: `cargo xtask` lists them"),
    }
}
