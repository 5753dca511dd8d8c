//! `prompush check`: shows the errors and warnings of the input. It needs no gateway.

use prompush_core::{Exposition, check};
use serde_json::{Value, json};

use crate::args::CheckArgs;
use crate::body::diagnostic::{Diagnostic, SourceLines, render};
use crate::body::input::{self, Input};
use crate::body::parse;
use crate::error::CliError;
use crate::output::json::print_json;
use crate::output::terminal::{Style, print_message, write_stdout};
use crate::plural::count;
use crate::resolve;

/// Maximum number of diagnostics that are shown. The others are counted.
const SHOWN_MAX: usize = 100;
/// Maximum number of diagnostics in the JSON. The others are counted.
const JSON_MAX: usize = 10_000;

pub(crate) fn run(args: &CheckArgs) -> Result<(), CliError> {
    let key = match &args.job {
        Some(job) => Some(resolve::grouping_key(job, &args.group)?),
        None => None,
    };
    let inputs = input::read(&args.body)?;
    let bodies = inputs.iter().map(|input| &input.body);
    let report = check::check(bodies, key.as_ref())
        .map_err(|error| parse::duplicate_family(error, &inputs))?;
    let totals = Totals { errors: report.errors(), warnings: report.warnings() };
    let found = parse::with_texts(report.diagnostics);

    if args.json {
        write_json(&found, &inputs, totals)?;
    } else {
        write_diagnostics(&found, &inputs)?;
    }
    match totals {
        Totals { errors: 0, .. } if args.json => Ok(()),
        Totals { errors: 0, warnings } => {
            say_good(&report.exposition, warnings);
            Ok(())
        }
        Totals { errors, warnings } => Err(CliError::CheckFailed { errors, warnings }),
    }
}

#[derive(Clone, Copy, Debug)]
struct Totals {
    errors: usize,
    warnings: usize,
}

/// Prints the diagnostics to stdout, because they are the data of this command.
fn write_diagnostics(found: &[Diagnostic], inputs: &[Input]) -> Result<(), CliError> {
    let shown = found.get(..SHOWN_MAX).unwrap_or(found);
    let lines = SourceLines::find(shown, inputs);
    let style = Style::of_stdout();
    write_stdout(|stdout| {
        for found in shown {
            let text = render(found, &inputs[found.input].name, lines.of(found), style);
            writeln!(stdout, "{text}")?;
        }
        let hidden = found.len() - shown.len();
        if hidden > 0 {
            writeln!(stdout, "… and {hidden} more")?;
        }
        Ok(())
    })
}

fn say_good(exposition: &Exposition<'_>, warnings: usize) {
    let families = exposition.families.iter();
    let samples: usize =
        families.flat_map(|family| &family.metrics).map(|metric| metric.value.samples()).sum();
    let read = format!(
        "{}, {}",
        count(exposition.families.len(), "metric family", "metric families"),
        count(samples, "sample", "samples")
    );
    match warnings {
        0 => print_message(&format!("ok: {read}")),
        warnings => {
            print_message(&format!("ok: {read}; {}", count(warnings, "warning", "warnings")));
        }
    }
}

fn write_json(found: &[Diagnostic], inputs: &[Input], totals: Totals) -> Result<(), CliError> {
    let listed = found.get(..JSON_MAX).unwrap_or(found);
    let lines = SourceLines::find(listed, inputs);
    let diagnostics: Vec<Value> = listed
        .iter()
        .map(|found| to_json(found, &inputs[found.input].name, lines.of(found)))
        .collect();
    let value = json!({
        "errors": totals.errors,
        "warnings": totals.warnings,
        "diagnostics": diagnostics,
    });
    write_stdout(|stdout| print_json(stdout, &value))
}

fn to_json(found: &Diagnostic, name: &str, line: &[u8]) -> Value {
    let has_line = found.line > 0;
    let (column, width) = found.span.locate(line);
    json!({
        "severity": found.severity.as_str(),
        "file": name,
        "line": has_line.then_some(found.line),
        "column": has_line.then_some(column),
        "width": has_line.then_some(width),
        "message": found.message,
        "text": has_line.then(|| String::from_utf8_lossy(line)),
        "hint": found.hint,
    })
}
