//! Gateways under load: pushes per second over eight connections, and the time of a scrape at 10,000 groups.
//!
//! `cargo xtask bench --gateway` builds and runs this program. Each gateway is a process of its own on a loopback port.
//! The gateways take turns, so that a disturbance of the machine hits all of them. All of it ends within a minute.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a bench talks to whoever runs it")]

mod load;
mod server;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use prompush_benches::measure::{Summary, number, wall_time};

use crate::load::{CONNECTIONS, SAMPLES, Scrape};
use crate::server::{Program, Server};

const HELP: &str = "\
Measures gateways under load.

Usage: gateway [--prompush FILE]… [--pushgateway FILE] [--groups N]

  --prompush FILE     a `prompush` whose gateway is measured; may be given more than once
  --pushgateway FILE  a Pushgateway to measure in the same run
  --groups N          groups that the pushes go to in turn (500)
";

/// Groups that the pushes go to in turn. With its consistency check, Pushgateway reads all groups at every push.
const GROUPS: usize = 500;

/// Groups of the gateway that is scraped.
const SCRAPED_GROUPS: usize = 10_000;

/// Rounds of pushes at each gateway, and the length of a round.
const PUSH_ROUNDS: usize = 5;
const PUSH_ROUND: Duration = Duration::from_secs(1);

/// Scrapes of each gateway, and the time after which no further scrape starts.
const SCRAPES: usize = 9;
const SCRAPES_WITHIN: Duration = Duration::from_secs(6);

/// The longest time to create the groups of a gateway.
const FILL_WITHIN: Duration = Duration::from_secs(10);

struct Arguments {
    programs: Vec<Program>,
    groups: usize,
}

/// One measurement of every gateway.
struct Row {
    title: String,
    unit: &'static str,
    values: Vec<Summary>,
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
    ensure!(!arguments.programs.is_empty(), "no gateway is given: `--help` says how");
    let mut rows = pushes(&arguments.programs, arguments.groups)?;
    rows.extend(scrapes(&arguments.programs)?);
    let names: Vec<&str> = arguments.programs.iter().map(Program::name).collect();
    print!("{}", table(&names, &rows));
    Ok(())
}

fn arguments(mut words: impl Iterator<Item = String>) -> Result<Option<Arguments>> {
    let mut arguments = Arguments { programs: Vec::new(), groups: GROUPS };
    while let Some(word) = words.next() {
        let mut value = || words.next().with_context(|| format!("`{word}` needs a value"));
        match word.as_str() {
            "--prompush" => arguments.programs.push(Program::prompush(PathBuf::from(value()?))),
            "--pushgateway" => {
                arguments.programs.push(Program::pushgateway(PathBuf::from(value()?)));
            }
            "--groups" => {
                arguments.groups = value()?.parse().context("`--groups` needs a number")?;
                ensure!(arguments.groups >= CONNECTIONS, "`--groups` is at least {CONNECTIONS}");
            }
            "--help" | "-h" => return Ok(None),
            unknown => bail!("there is no option `{unknown}`: `--help` lists them"),
        }
    }
    Ok(Some(arguments))
}

/// Measures pushes into groups that exist, with the checks that a gateway makes unless told otherwise.
fn pushes(programs: &[Program], groups: usize) -> Result<Vec<Row>> {
    let mut servers = Vec::new();
    for program in programs {
        let server = Server::start(program, &[])?;
        load::fill(server.address(), groups, FILL_WITHIN)
            .with_context(|| format!("cannot fill {}", program.name()))?;
        servers.push(server);
    }
    let mut rounds = vec![Vec::new(); servers.len()];
    for _ in 0..PUSH_ROUNDS {
        for (server, rounds) in servers.iter().zip(&mut rounds) {
            rounds.push(load::push(server.address(), groups, PUSH_ROUND)?);
        }
    }
    let values = |value: fn(&load::Round) -> f64| -> Vec<Summary> {
        let of =
            |rounds: &Vec<load::Round>| Summary::of(&rounds.iter().map(value).collect::<Vec<_>>());
        rounds.iter().map(of).collect()
    };
    let title = format!("pushes, {CONNECTIONS} connections, {groups} groups of {SAMPLES} samples");
    Ok(vec![
        Row { title, unit: "pushes/s", values: values(|round| round.pushes_per_second) },
        Row {
            title: "a push, median".to_owned(),
            unit: "ms",
            values: values(|round| round.median_ms),
        },
        Row {
            title: "a push, 99th percentile".to_owned(),
            unit: "ms",
            values: values(|round| round.p99_ms),
        },
    ])
}

/// Measures scrapes of many groups. The groups are created without the consistency check, so that it takes seconds.
fn scrapes(programs: &[Program]) -> Result<Vec<Row>> {
    let mut columns = Vec::new();
    for program in programs {
        let server = Server::start(program, &["--push.disable-consistency-check"])?;
        let created = load::fill(server.address(), SCRAPED_GROUPS, FILL_WITHIN)
            .with_context(|| format!("cannot fill {}", program.name()))?;
        columns.push(scrapes_of(&server, created)?);
    }
    let row = |title: &str, unit, value: fn(&Scrape) -> f64| {
        let of =
            |scrapes: &Vec<Scrape>| Summary::of(&scrapes.iter().map(value).collect::<Vec<_>>());
        Row { title: title.to_owned(), unit, values: columns.iter().map(of).collect() }
    };
    Ok(vec![
        row("a scrape", "ms", |scrape| scrape.time.as_secs_f64() * 1e3),
        row("body of the scrape", "MB", |scrape| number(scrape.body_bytes as u64) / 1e6),
        row("groups of the scrape", "groups", |scrape| number(scrape.groups as u64)),
    ])
}

/// Scrapes a gateway until it has every group, and then for the measurement.
fn scrapes_of(server: &Server, groups: usize) -> Result<Vec<Scrape>> {
    let start = wall_time();
    while load::scrape(server.address())?.groups < groups {
        ensure!(start.elapsed() < FILL_WITHIN, "the gateway has not stored every push in time");
    }
    let start = wall_time();
    let mut scrapes = Vec::new();
    while scrapes.is_empty() || (scrapes.len() < SCRAPES && start.elapsed() < SCRAPES_WITHIN) {
        scrapes.push(load::scrape(server.address())?);
    }
    Ok(scrapes)
}

/// A table in Markdown: medians, with the least and the most in brackets.
fn table(names: &[&str], rows: &[Row]) -> String {
    let mut lines = vec![
        format!("| what | unit | {} |", names.join(" | ")),
        format!("|---|---|{}", "--:|".repeat(names.len())),
    ];
    for row in rows {
        let cells: Vec<String> = row.values.iter().map(cell).collect();
        lines.push(format!("| {} | {} | {} |", row.title, row.unit, cells.join(" | ")));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn cell(value: &Summary) -> String {
    if value.runs == 1 {
        return digits(value.median);
    }
    format!("{} ({}–{})", digits(value.median), digits(value.min), digits(value.max))
}

fn digits(value: f64) -> String {
    if value >= 100.0 { format!("{value:.0}") } else { format!("{value:.2}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_a_column_a_gateway() {
        let rows = [Row {
            title: "a scrape".to_owned(),
            unit: "ms",
            values: vec![Summary::of(&[1.0, 2.0, 3.0]), Summary::of(&[1234.5])],
        }];
        let expected = "| what | unit | a | b |\n|---|---|--:|--:|\n\
            | a scrape | ms | 2.00 (1.00–3.00) | 1234 |\n";
        assert_eq!(table(&["a", "b"], &rows), expected);
    }

    #[test]
    fn several_builds_can_be_compared() {
        let line = "--prompush old --prompush new --pushgateway p --groups 9";
        let words = line.split(' ').map(str::to_owned);
        let arguments = arguments(words).expect("they are right").expect("no help is asked for");
        let names: Vec<&str> = arguments.programs.iter().map(Program::name).collect();
        assert_eq!((names, arguments.groups), (vec!["old", "new", "p"], 9));
        assert!(super::arguments(["--groups", "1"].map(str::to_owned).into_iter()).is_err());
    }
}
