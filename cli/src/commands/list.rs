//! `prompush list`: shows the groups that a gateway holds.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prompush::Group;
use serde_json::{Value, json};

use crate::args::ListArgs;
use crate::error::CliError;
use crate::output::duration::age;
use crate::output::escape::escape_control;
use crate::output::json::print_json;
use crate::output::table::Table;
use crate::output::terminal::{print_message, write_stdout};
use crate::resolve;

pub(crate) fn run(args: &ListArgs) -> Result<(), CliError> {
    let selector = resolve::group_selector(args.job.as_deref(), &args.group)?;
    let gateway = resolve::gateway(&args.gateway, |config| config)?;
    let mut groups = gateway.groups()?;
    let all = groups.len();
    groups.retain(|group| selector.matches(&group.labels));
    #[expect(clippy::disallowed_methods, reason = "ages are shown to a person, once")]
    let now = SystemTime::now();
    if args.json {
        let groups: Value = groups.iter().map(|group| to_json(group, now)).collect();
        return write_stdout(|stdout| print_json(stdout, &groups));
    }
    if groups.is_empty() {
        let what = if all == 0 { "no groups" } else { "no group matches" };
        print_message(&format!("{what} at {}", gateway.url()));
        return Ok(());
    }
    let mut table =
        Table::new(["JOB", "LABELS", "FAMILIES", "SERIES", "LAST PUSH", "LAST FAILURE", "STATE"]);
    for group in &groups {
        table.push(row(group, now));
    }
    write_stdout(|stdout| stdout.write_all(table.to_string().as_bytes()))
}

fn row(group: &Group, now: SystemTime) -> [String; 7] {
    let job = group.labels.get("job").map(String::as_str).unwrap_or_default();
    let others: Vec<String> = group
        .labels
        .iter()
        .filter(|(name, _)| *name != "job")
        .map(|(name, value)| escape_control(&format!("{name}={value:?}")).into_owned())
        .collect();
    let ago = |time: Option<SystemTime>, never: &str| match time {
        Some(time) => format!("{} ago", age(since(time, now))),
        None => never.to_owned(),
    };
    [
        escape_control(job).into_owned(),
        if others.is_empty() { "-".to_owned() } else { others.join(",") },
        group.families.to_string(),
        group.series.to_string(),
        ago(group.last_push, "never"),
        ago(group.last_failure, "-"),
        if group.last_push_successful { "ok" } else { "failed" }.to_owned(),
    ]
}

/// The age of `time`. It is zero if the clock of the gateway runs ahead of the clock of this machine.
fn since(time: SystemTime, now: SystemTime) -> Duration {
    now.duration_since(time).unwrap_or_default()
}

fn to_json(group: &Group, now: SystemTime) -> Value {
    let unix =
        |time: SystemTime| time.duration_since(UNIX_EPOCH).ok().map(|time| time.as_secs_f64());
    json!({
        "labels": group.labels,
        "families": group.families,
        "series": group.series,
        "last_push": group.last_push.and_then(unix),
        "last_push_age_seconds": group.last_push.map(|time| since(time, now).as_secs_f64()),
        "last_failure": group.last_failure.and_then(unix),
        "last_push_successful": group.last_push_successful,
    })
}
