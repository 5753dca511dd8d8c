//! What a round of `prompush gc` did, for people and for programs.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prompush::{Expiry, Gateway, Group, PushError};
use serde_json::{Value, json};

use crate::args::GcArgs;
use crate::error::CliError;
use crate::output::duration::age;
use crate::output::escape::escape_control;
use crate::output::groups::shown_labels;
use crate::output::json::print_json;
use crate::output::plural::count;
use crate::output::terminal::{print_message, print_warning, write_stdout};

/// A group that was deleted, or would be.
#[derive(Debug)]
pub(super) struct Deleted {
    labels: BTreeMap<String, String>,
    reason: &'static str,
    age: Duration,
    limit: Duration,
}

impl Deleted {
    pub(super) fn new(group: &Group, expiry: Expiry, args: &GcArgs) -> Self {
        let (reason, age, limit) = match expiry {
            Expiry::PastTtl { age, ttl } => ("ttl", age, ttl),
            Expiry::TooOld { age } => ("older_than", age, args.older_than.unwrap_or_default()),
            _ => ("", Duration::ZERO, Duration::ZERO),
        };
        Self { labels: group.labels.clone(), reason, age, limit }
    }

    fn line(&self) -> String {
        let limit = match self.reason {
            "ttl" => format!("its `push_ttl_seconds` is {}", age(self.limit)),
            _ => format!("older than {}", age(self.limit)),
        };
        let labels = shown_labels(&self.labels);
        format!("{}  pushed {} ago, {limit}", escape_control(&labels), age(self.age))
    }

    fn to_json(&self) -> Value {
        json!({
            "labels": self.labels,
            "reason": self.reason,
            "age_seconds": self.age.as_secs_f64(),
            "limit_seconds": self.limit.as_secs_f64(),
        })
    }
}

/// What a round did.
#[derive(Debug)]
pub(super) struct Report {
    url: String,
    now: SystemTime,
    dry_run: bool,
    json: bool,
    quiet: bool,
    deleted: Vec<Deleted>,
    /// Those that could not be deleted, and why the last of them could not.
    failed: Vec<(BTreeMap<String, String>, PushError)>,
    not_due: usize,
    for_ever: usize,
    unlimited: usize,
    pub(super) pushed_again: usize,
    pub(super) gone: usize,
}

impl Report {
    pub(super) fn new(gateway: &Gateway, args: &GcArgs, now: SystemTime) -> Self {
        Self {
            url: gateway.url().to_string(),
            now,
            dry_run: args.dry_run,
            json: args.json,
            quiet: args.quiet,
            deleted: Vec::new(),
            failed: Vec::new(),
            not_due: 0,
            for_ever: 0,
            unlimited: 0,
            pushed_again: 0,
            gone: 0,
        }
    }

    pub(super) fn keep(&mut self, expiry: Expiry) {
        match expiry {
            Expiry::ForEver => self.for_ever += 1,
            Expiry::Unlimited => self.unlimited += 1,
            _ => self.not_due += 1,
        }
    }

    /// Said at once: what has been done stands, whatever comes after it.
    pub(super) fn deleted(&mut self, deleted: Deleted) -> Result<(), CliError> {
        if !self.json {
            write_stdout(|stdout| writeln!(stdout, "{}", deleted.line()))?;
        }
        self.deleted.push(deleted);
        Ok(())
    }

    pub(super) fn failed(&mut self, group: &Group, error: PushError) {
        print_warning(&error.to_string());
        self.failed.push((group.labels.clone(), error));
    }

    /// The summary of the round.
    pub(super) fn show(&self) -> Result<(), CliError> {
        if self.json {
            let json = self.to_json();
            write_stdout(|stdout| print_json(stdout, &json))?;
        }
        if !self.quiet {
            print_message(&self.summary());
        }
        Ok(())
    }

    /// An error if a group could not be deleted.
    pub(super) fn result(mut self) -> Result<(), CliError> {
        match self.failed.pop() {
            None => Ok(()),
            Some((_, error)) => Err(error.into()),
        }
    }

    fn summary(&self) -> String {
        let by = |reason| self.deleted.iter().filter(|it| it.reason == reason).count();
        let done = if self.dry_run { "would delete" } else { "deleted" };
        let gone = listed(&[
            (by("ttl"), "past its `push_ttl_seconds`"),
            (by("older_than"), "older than the limit"),
        ]);
        let kept = [
            (self.not_due, "not due"),
            (self.for_ever, "good for ever"),
            (self.unlimited, "without `push_ttl_seconds`, which only `--older-than` deletes"),
            (self.pushed_again, "pushed again meanwhile"),
            (self.failed.len(), "that could not be deleted"),
        ];
        let all: usize = kept.iter().map(|(number, _)| number).sum();
        let others = match self.gone {
            0 => String::new(),
            number => format!("; {} gone meanwhile", count(number, "was", "were")),
        };
        format!(
            "{done} {}{gone}, kept {all}{}{others} at {}",
            count(self.deleted.len(), "group", "groups"),
            listed(&kept),
            self.url
        )
    }

    fn to_json(&self) -> Value {
        let deleted: Vec<Value> = self.deleted.iter().map(Deleted::to_json).collect();
        let failed = self
            .failed
            .iter()
            .map(|(labels, error)| json!({ "labels": labels, "error": error.to_string() }));
        let failed: Vec<Value> = failed.collect();
        let now = self.now.duration_since(UNIX_EPOCH).ok().map(|now| now.as_secs_f64());
        json!({
            "gateway": self.url,
            "now": now,
            "dry_run": self.dry_run,
            "deleted": deleted,
            "failed": failed,
            "not_due": self.not_due,
            "for_ever": self.for_ever,
            "unlimited": self.unlimited,
            "pushed_again": self.pushed_again,
            "gone": self.gone,
        })
    }
}

/// ` (1 this, 2 that)`, without those of which there are none.
fn listed(numbers: &[(usize, &str)]) -> String {
    let some: Vec<String> = numbers
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, words)| format!("{number} {words}"))
        .collect();
    if some.is_empty() { String::new() } else { format!(" ({})", some.join(", ")) }
}
