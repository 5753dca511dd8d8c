//! The report of a round of `prompush gc`, for people and for programs.

use std::time::{Duration, UNIX_EPOCH};

use prompush::{ExpiredGroup, Expiry, Gateway, GcReport};
use serde_json::{Value, json};

use crate::args::GcArgs;
use crate::error::CliError;
use crate::output::duration::age;
use crate::output::escape::escape_control;
use crate::output::groups::shown_labels;
use crate::output::json::print_json;
use crate::output::terminal::{print_message, write_stdout};
use crate::plural::count;

/// Prints a deleted group at once, because it is deleted whatever fails later.
pub(super) fn print_deleted(args: &GcArgs, expired: &ExpiredGroup) -> Result<(), CliError> {
    if args.json {
        return Ok(());
    }
    let labels = shown_labels(&expired.group.labels);
    let (reason, group_age, limit) = facts(args, expired);
    let limit = match reason {
        "ttl" => format!("its `push_ttl_seconds` is {}", age(limit)),
        _ => format!("older than {}", age(limit)),
    };
    let line = format!("{}  pushed {} ago, {limit}", escape_control(&labels), age(group_age));
    write_stdout(|stdout| writeln!(stdout, "{line}"))
}

/// Prints the summary of a round.
pub(super) fn print_summary(
    args: &GcArgs,
    gateway: &Gateway,
    report: &GcReport,
) -> Result<(), CliError> {
    let url = gateway.url().to_string();
    if args.json {
        let json = to_json(args, &url, report);
        write_stdout(|stdout| print_json(stdout, &json))?;
    }
    if !args.quiet {
        print_message(&summary(args, &url, report));
    }
    Ok(())
}

/// Why a group has expired, its age, and the limit that the age exceeds.
fn facts(args: &GcArgs, expired: &ExpiredGroup) -> (&'static str, Duration, Duration) {
    match expired.expiry {
        Expiry::PastTtl { age, ttl } => ("ttl", age, ttl),
        Expiry::TooOld { age } => ("older_than", age, args.older_than.unwrap_or_default()),
        _ => ("", Duration::ZERO, Duration::ZERO),
    }
}

fn summary(args: &GcArgs, url: &str, report: &GcReport) -> String {
    let by = |reason| report.deleted.iter().filter(|it| facts(args, it).0 == reason).count();
    let done = if args.dry_run { "would delete" } else { "deleted" };
    let gone = listed(&[
        (by("ttl"), "past its `push_ttl_seconds`"),
        (by("older_than"), "older than the limit"),
    ]);
    let kept = [
        (report.not_due, "not due"),
        (report.for_ever, "valid for ever"),
        (report.unlimited, "without `push_ttl_seconds`, which only `--older-than` deletes"),
        (report.pushed_again, "pushed again in the meantime"),
        (report.failed.len(), "that could not be deleted"),
    ];
    let all: usize = kept.iter().map(|(number, _)| number).sum();
    let others = match report.gone {
        0 => String::new(),
        number => {
            format!("; {} deleted by somebody else", count(number, "group was", "groups were"))
        }
    };
    format!(
        "{done} {}{gone}, kept {all}{}{others} at {url}",
        count(report.deleted.len(), "group", "groups"),
        listed(&kept),
    )
}

fn to_json(args: &GcArgs, url: &str, report: &GcReport) -> Value {
    let deleted = report.deleted.iter().map(|expired| {
        let (reason, age, limit) = facts(args, expired);
        json!({
            "labels": expired.group.labels,
            "reason": reason,
            "age_seconds": age.as_secs_f64(),
            "limit_seconds": limit.as_secs_f64(),
        })
    });
    let deleted: Vec<Value> = deleted.collect();
    let failed = report
        .failed
        .iter()
        .map(|(group, error)| json!({ "labels": group.labels, "error": error.to_string() }));
    let failed: Vec<Value> = failed.collect();
    let now = report.now.duration_since(UNIX_EPOCH).ok().map(|now| now.as_secs_f64());
    json!({
        "gateway": url,
        "now": now,
        "dry_run": args.dry_run,
        "deleted": deleted,
        "failed": failed,
        "not_due": report.not_due,
        "for_ever": report.for_ever,
        "unlimited": report.unlimited,
        "pushed_again": report.pushed_again,
        "gone": report.gone,
    })
}

/// A list in parentheses: ` (1 this, 2 that)`. A number that is zero is left out.
fn listed(numbers: &[(usize, &str)]) -> String {
    let some: Vec<String> = numbers
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, text)| format!("{number} {text}"))
        .collect();
    if some.is_empty() { String::new() } else { format!(" ({})", some.join(", ")) }
}
