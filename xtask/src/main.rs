//! Tasks of the workspace: `cargo xtask` lists them.
//!
//! This package depends on no library crate, so that the tasks still build when a library crate does not build. The
//! package depends on `prompush-testing`, because it uses the HTTP client and the free ports of that package.
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

  test     runs every step that a change has to pass, and prints the time of each step
             STEP            runs only this step: formatting, tidy, lints, servers, tests,
                             without-serve, docs
             tests FILTER    runs only the tests whose names contain FILTER
  codegen  writes docs/cli.md and docs/metrics.md from the code
             --check         names the pages that are stale, and writes nothing
  e2e      runs prompush, a gateway and Prometheus in containers (needs docker), and gptme
           from the Python package registry against real servers (needs python3-venv)
             --full          adds the long harnesses: ten instances of gptme in sequence under
                             `run` and `bridge`, the time of gptme's exit, the models of
                             threads, each fuzz target for a minute, the benches
  tidy     checks the rules of the workspace that the compiler does not check
             circles [PACKAGE]  prints only the circles between files, and the names that
                                make each circle
             names              prints only the coined names
  servers  gets the real Pushgateways and Prometheus for tests into target/servers
  bench    measures prompush and other libraries; writes a table and results.json to
           benches/results/<date>-<processor>
             --quick      fewer repetitions: two or three minutes
             --out DIR    writes the results to DIR
             --gateway    measures gateways under load instead, within a minute: pushes per
                          second over eight connections, and a scrape of 10,000 groups
                 --prompush FILE  measures FILE instead of a prompush that is built now; may
                                  be given more than once
                 --groups N       pushes into N groups in turn (500)
             --criterion  runs criterion's benches instead; the arguments after it go to
                          `cargo bench`
  gptme    runs the part of `e2e` with gptme alone
             --runs N            runs N instances in sequence instead, and kills every fifth
             --exit              measures the time of gptme's exit instead
             --version V         uses another version of gptme, from 0.29 on
             --way run|bridge    the command that pushes the metrics of `--runs` (run)
             --prompush FILE     uses FILE instead of an unoptimized prompush that is built now
  help     prints this text

With CI=true, a tool that the machine lacks is a failure. Without it, the part that needs the
tool is skipped.
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
    let takes_arguments = matches!(task, "bench" | "codegen" | "e2e" | "gptme" | "test" | "tidy");
    if !takes_arguments && !rest.is_empty() {
        bail!("`cargo xtask {task}` takes no arguments, not `{}`", rest.join(" "));
    }
    match task {
        "test" => test::run(rest),
        "codegen" => codegen::run(rest),
        "e2e" => e2e::run(rest),
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
