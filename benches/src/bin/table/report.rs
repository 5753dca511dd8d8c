//! The results as a table for people and as JSON for programs.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use prompush_benches::measure::{Effort, SHARE_MIN, Summary};
use prompush_benches::{Peer, for_each_peer};
use serde_json::{Value, json};

use crate::machine::Machine;
use crate::row::{Better, Cell, Row};

/// Writes both files into a folder, which is created if it does not exist.
pub(crate) fn write(folder: &Path, table: &str, results: &Value) -> Result<()> {
    let cannot = || format!("cannot write to `{}`", folder.display());
    fs::create_dir_all(folder).with_context(cannot)?;
    fs::write(folder.join("table.md"), table).with_context(cannot)?;
    fs::write(folder.join("results.json"), format!("{results:#}\n")).with_context(cannot)
}

pub(crate) fn markdown(machine: &Machine, effort: Effort, rows: &[Row]) -> String {
    let mut libraries: Vec<&str> = Vec::new();
    for_each_peer!(P => libraries.push(P::NAME));
    let mut out = String::from("# Results\n\n");
    head(&mut out, machine, effort);
    let names = libraries.join(" | ");
    let line = "--:|".repeat(libraries.len());
    // Writing to a string cannot fail.
    let _ok = writeln!(
        out,
        "\n| what | unit | {names} | floor | better than the best peer | worse than the floor | target | met |\n\
         |---|---|{line}--:|--:|--:|--:|---|"
    );
    for row in rows {
        let cells: Vec<String> = libraries.iter().map(|name| cell_text(row.cell(name))).collect();
        let _ok = writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {} | {} |",
            row.title,
            row.unit,
            cells.join(" | "),
            floors(row),
            ratio(row.gain()),
            ratio(row.above_floor()),
            target(row),
            met(row),
        );
    }
    out.push('\n');
    for row in rows.iter().filter(|row| !row.note.is_empty()) {
        let _ok = writeln!(out, "- {}: {}.", row.title, row.note);
    }
    out
}

fn head(out: &mut String, machine: &Machine, effort: Effort) {
    let versions: Vec<String> =
        machine.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
    let _ok = writeln!(
        out,
        "- Command: `{}`\n- Commit: {}\n- Date: {}\n- Processor: {}, {} of them\n\
         - Load average at the start and the end: {:.2}, {:.2}\n- Took: {} s\n\
         - Built by: {}\n- Versions: {}\n\n\
         A cell is the median of {} repetitions, with the smallest and the largest value in brackets. With several \
         threads, only repetitions with {:.0} % of the processors count; `*` marks a cell with too few of them.\n\
         One thread is measured by processor time. Several threads are measured by wall time, divided by the \
         operations of all threads.\n\
         Everything is built with the release profile of the workspace.\n\
         A target holds on a machine where a bare atomic addition takes 1.8 ns. For slower and faster machines, the \
         target is also given as a ratio to the best peer on that machine.",
        machine.command,
        machine.commit,
        machine.date,
        machine.processor,
        machine.processors,
        machine.load[0],
        machine.load[1],
        machine.duration.as_secs(),
        machine.rustc,
        versions.join(", "),
        effort.repetitions,
        SHARE_MIN * 100.0,
    );
    if machine.was_shared() {
        out.push_str("**The machine was shared: other programs used its processors.**\n");
    }
}

fn cell_text(cell: Option<&Cell>) -> String {
    let Some(Cell { value, .. }) = cell else { return "–".to_owned() };
    let star = if value.is_clean { "" } else { "*" };
    if value.runs == 1 {
        return digits(value.median);
    }
    let (min, max) = (digits(value.min), digits(value.max));
    format!("{}{star} ({min}–{max})", digits(value.median))
}

fn floors(row: &Row) -> String {
    let cell_text = |cell: &Cell| {
        let name = cell.name.strip_prefix("floor: ").unwrap_or(cell.name);
        let star = if cell.value.is_clean { "" } else { "*" };
        format!("{}{star} ({name})", digits(cell.value.median))
    };
    row.floors.iter().map(cell_text).collect::<Vec<_>>().join(", ")
}

fn target(row: &Row) -> String {
    let sign = match row.better {
        Better::Less => "≤",
        Better::More => "≥",
    };
    let Some(target) = row.target else { return String::new() };
    match row.target_gain {
        Some(gain) => format!("{sign} {target}, or {} better", ratio(Some(gain))),
        None => format!("{sign} {target}"),
    }
}

fn met(row: &Row) -> &'static str {
    match (row.is_met(), row.is_met_as_a_ratio()) {
        (None, _) => "",
        (Some(true), _) => "yes",
        (Some(false), Some(true)) => "as a ratio",
        (Some(false), _) => "**no**",
    }
}

fn ratio(ratio: Option<f64>) -> String {
    ratio
        .filter(|ratio| ratio.is_finite())
        .map_or_else(String::new, |ratio| format!("{}×", digits(ratio)))
}

/// A number with three significant digits.
fn digits(value: f64) -> String {
    match value.abs() {
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}"),
        0.0 => "0".to_owned(),
        0.1.. => format!("{value:.2}"),
        _ => format!("{value:.4}"),
    }
}

pub(crate) fn json(machine: &Machine, effort: Effort, rows: &[Row]) -> Value {
    let versions: serde_json::Map<String, Value> = machine
        .versions
        .iter()
        .map(|(name, version)| ((*name).to_owned(), json!(version)))
        .collect();
    json!({
        "command": machine.command,
        "commit": machine.commit,
        "date": machine.date,
        "rustc": machine.rustc,
        "processor": machine.processor,
        "processors": machine.processors,
        "load_average_start": machine.load[0],
        "load_average_end": machine.load[1],
        "machine_was_shared": machine.was_shared(),
        "duration_seconds": machine.duration.as_secs(),
        "versions": versions,
        "repetitions": effort.repetitions,
        "rows": rows.iter().map(row_json).collect::<Vec<_>>(),
    })
}

fn row_json(row: &Row) -> Value {
    let cells = |cells: &[Cell]| -> serde_json::Map<String, Value> {
        let entry = |cell: &Cell| {
            let name = cell.name.strip_prefix("floor: ").unwrap_or(cell.name);
            (name.to_owned(), summary_json(cell.value))
        };
        cells.iter().map(entry).collect()
    };
    json!({
        "id": row.id,
        "title": row.title,
        "unit": row.unit,
        "better": if row.better == Better::Less { "less" } else { "more" },
        "target": row.target,
        "met": row.is_met(),
        "target_times_better_than_best_peer": row.target_gain,
        "met_as_a_ratio": row.is_met_as_a_ratio(),
        "best_peer": row.best_peer().map(|cell| cell.name),
        "times_better_than_best_peer": row.gain(),
        "times_worse_than_floor": row.above_floor(),
        "libraries": cells(&row.cells),
        "floors": cells(&row.floors),
        "note": row.note,
    })
}

fn summary_json(summary: Summary) -> Value {
    json!({
        "median": summary.median,
        "min": summary.min,
        "max": summary.max,
        "runs": summary.runs,
        "had_the_processors": summary.is_clean,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> Row {
        let cells = [("prompush", 10.0), ("prometheus", 40.0), ("floor: memcpy", 2.0)];
        Row::new("encode", "encode", "ns/line")
            .with(cells.map(|(name, value)| (name, Summary::of(&[value, value, value]))))
            .target(20.0)
            .best_peer_was(74.0)
    }

    #[test]
    fn a_row_says_how_much_better_ours_is() {
        let results = row_json(&row());
        assert_eq!(results["best_peer"], "prometheus");
        assert_eq!(results["times_better_than_best_peer"], 4.0);
        assert_eq!(results["times_worse_than_floor"], 5.0);
        assert_eq!(results["met"], true);
        assert_eq!(results["target_times_better_than_best_peer"], 3.7);
        assert_eq!(results["libraries"]["prompush"]["median"], 10.0);
        assert_eq!(results["floors"]["memcpy"]["runs"], 3);
    }

    #[test]
    fn more_may_be_better() {
        let row = Row { better: Better::More, ..row() };
        assert_eq!(row.is_met(), Some(false));
        assert_eq!(row.gain(), Some(0.25));
        assert_eq!(target(&row), "≥ 20, or 3.70× better");
    }

    #[test]
    fn on_a_slow_machine_the_ratio_counts() {
        let on = |ns| {
            let cells = [("prompush", ns), ("prometheus", 120.0)];
            let cells = cells.map(|(name, value)| (name, Summary::of(&[value, value, value])));
            met(&Row::new("encode", "encode", "ns/line")
                .with(cells)
                .target(20.0)
                .best_peer_was(74.0))
        };
        assert_eq!([on(20.0), on(30.0), on(40.0)], ["yes", "as a ratio", "**no**"]);
    }

    #[test]
    fn numbers_are_as_exact_as_they_were_measured() {
        assert_eq!(
            [123.4, 12.34, 1.234, 0.1234, 0.0123, 0.0].map(digits),
            ["123", "12.3", "1.23", "0.12", "0.0123", "0"]
        );
    }
}
