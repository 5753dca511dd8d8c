//! The table of measurements in `docs/design.md`: prompush and the other libraries in one run.
//!
//! `cargo xtask bench` builds this program and its companion `allocations`, and runs it.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a bench talks to whoever runs it")]

mod encoding;
mod families;
mod machine;
mod recording;
mod report;
mod row;
mod stall;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use prompush_benches::measure::{Effort, wall_time};

use crate::machine::Machine;
use crate::row::Row;

const HELP: &str = "\
Measures prompush and other libraries in one run.

Usage: table [--quick] [--out DIR] [--command LINE]

  --quick         fewer repetitions: two or three minutes
  --out DIR       the folder of table.md and results.json
                  (benches/results/<date>-<processor>)
  --command LINE  the command that the results name
";

struct Arguments {
    is_quick: bool,
    out: Option<PathBuf>,
    command: String,
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let Some(arguments) = arguments(std::env::args().skip(1))? else {
        print!("{HELP}");
        return Ok(());
    };
    let effort = if arguments.is_quick { Effort::QUICK } else { Effort::FULL };
    let mut machine = Machine::now(arguments.command)?;
    let start = wall_time();
    let rows = measure(effort)?;
    machine.finish(start.elapsed());
    let out = arguments.out.unwrap_or_else(|| machine.folder());
    let table = report::markdown(&machine, effort, &rows);
    report::write(&out, &table, &report::json(&machine, effort, &rows))?;
    print!("{table}");
    eprintln!("written to {}", out.display());
    Ok(())
}

fn arguments(mut words: impl Iterator<Item = String>) -> Result<Option<Arguments>> {
    let mut arguments =
        Arguments { is_quick: false, out: None, command: "cargo xtask bench".to_owned() };
    while let Some(word) = words.next() {
        match word.as_str() {
            "--quick" => arguments.is_quick = true,
            "--out" => arguments.out = Some(words.next().context("`--out` needs a folder")?.into()),
            "--command" => {
                arguments.command = words.next().context("`--command` needs a line")?;
            }
            "--help" | "-h" => return Ok(None),
            unknown => bail!("there is no option `{unknown}`: `--help` lists them"),
        }
    }
    Ok(Some(arguments))
}

fn measure(effort: Effort) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (what, part) in [
        ("encoding", encoding::rows as fn(Effort) -> Result<Vec<Row>>),
        ("recording", recording::rows),
        ("stalls", stall::rows),
        ("creating series", families::rows),
    ] {
        eprintln!("measuring: {what}");
        rows.extend(part(effort)?);
    }
    Ok(rows)
}
