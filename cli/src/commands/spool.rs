//! `prompush spool`: lists, sends or removes failed pushes that are stored on disk.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prompush::{Gateway, ReplayError, ReplayOutcome, Spool, SpoolEntry, Verb};
use serde_json::{Value, json};

use crate::args::{SpoolArgs, SpoolCommand, SpoolDropArgs, SpoolFlushArgs, SpoolListArgs};
use crate::error::CliError;
use crate::output::duration::age;
use crate::output::error_text::one_line;
use crate::output::escape::escape_control;
use crate::output::groups::shown_labels;
use crate::output::json::print_json;
use crate::output::table::Table;
use crate::output::terminal::{print_message, print_warning, write_stdout};
use crate::plural::count;
use crate::resolve;

pub(crate) fn run(args: &SpoolArgs) -> Result<(), CliError> {
    match &args.command {
        SpoolCommand::List(args) => list(args),
        SpoolCommand::Flush(args) => flush(args),
        SpoolCommand::Drop(args) => drop_entries(args),
    }
}

/// Sends the other files of the spool to a gateway that has just acknowledged a push. Stops at the first error.
pub(crate) fn send_spooled_files(gateway: &Gateway, dir: &Path) {
    let spool = Spool::new(dir);
    let entries = match spool.entries() {
        Ok(entries) => entries,
        Err(error) => return print_warning(&one_line(&error)),
    };
    for entry in entries.iter().filter(|entry| entry.url() == Some(gateway.base())) {
        if let Err(error) = replay(&spool, gateway, entry, true) {
            print_warning(&format!("{}; the file stays in the spool", one_line(&error)));
            return;
        }
    }
}

fn list(args: &SpoolListArgs) -> Result<(), CliError> {
    let spool = spool(&args.spool)?;
    let entries = spool.entries().map_err(CliError::Spool)?;
    #[expect(clippy::disallowed_methods, reason = "ages are shown to a person, once")]
    let now = SystemTime::now();
    if args.json {
        let entries: Value = entries.iter().map(|entry| to_json(entry, now)).collect();
        return write_stdout(|stdout| print_json(stdout, &entries));
    }
    if entries.is_empty() {
        print_empty(&spool);
        return Ok(());
    }
    let mut table = Table::new(["GATEWAY", "GROUP", "WHAT", "FAMILIES", "BYTES", "MADE", "FILE"]);
    for entry in &entries {
        table.push(row(entry, now));
    }
    write_stdout(|stdout| stdout.write_all(table.to_string().as_bytes()))
}

fn flush(args: &SpoolFlushArgs) -> Result<(), CliError> {
    let spool = spool(&args.spool)?;
    let options = resolve::gateway_options(&args.gateway)?;
    let named = options.gateway()?;
    let entries = spool.entries().map_err(CliError::Spool)?;
    if entries.is_empty() && !args.quiet {
        print_empty(&spool);
    }
    // A gateway that could not be reached once is not tried again.
    let mut unreachable = BTreeSet::new();
    let mut worst = None;
    for entry in &entries {
        let url = entry.url().unwrap_or_default();
        if unreachable.contains(url) {
            continue;
        }
        let other;
        let gateway = if url.is_empty() || named.base() == url {
            &named
        } else {
            other = resolve::gateway_without_credentials(url, args.gateway.timeout)?;
            &other
        };
        if let Err(error) = replay(&spool, gateway, entry, args.quiet) {
            let error = CliError::Replay(error);
            print_warning(&format!("`{}` stays: {}", entry.file().display(), one_line(&error)));
            if error.is_unavailable() {
                unreachable.insert(url);
            }
            // An unreachable gateway decides the exit code.
            if worst.is_none() || error.is_unavailable() {
                worst = Some(error);
            }
        }
    }
    worst.map_or(Ok(()), Err)
}

fn replay(
    spool: &Spool,
    gateway: &Gateway,
    entry: &SpoolEntry,
    quiet: bool,
) -> Result<(), ReplayError> {
    let replayed = spool.replay(gateway, entry)?;
    let group = format!("{} at {}", shown(entry), gateway.url());
    match replayed {
        ReplayOutcome::PushedSince(_) => {
            print_warning(&format!(
                "removed the file of {group}: the group was pushed after the file was made"
            ));
        }
        ReplayOutcome::Sent if !quiet => {
            write_stdout(|stdout| writeln!(stdout, "{group}")).ok(); // a closed stdout must not stop the sending
        }
        _ => {}
    }
    Ok(())
}

fn drop_entries(args: &SpoolDropArgs) -> Result<(), CliError> {
    let spool = spool(&args.spool)?;
    let selector = resolve::group_selector(args.job.as_deref(), &args.group)?;
    if selector.patterns().is_empty() && !args.all {
        return Err(CliError::NoSelection);
    }
    let entries = spool.entries().map_err(CliError::Spool)?;
    let chosen = entries
        .iter()
        .filter(|entry| args.all || labels(entry).is_some_and(|labels| selector.matches(&labels)));
    let (mut dropped, mut failed) = (0, None);
    for entry in chosen {
        match if args.dry_run { Ok(true) } else { spool.remove(entry) } {
            Ok(true) => {}
            Ok(false) => {
                print_warning(&format!(
                    "`{}` was changed by another process, so it stays",
                    entry.file().display()
                ));
                continue;
            }
            Err(error) => {
                let error = CliError::Spool(error);
                print_warning(&format!("`{}` stays: {}", entry.file().display(), one_line(&error)));
                failed = Some(error);
                continue;
            }
        }
        dropped += 1;
        let file = entry.file().display().to_string();
        write_stdout(|stdout| writeln!(stdout, "{} {}", escape_control(&file), shown(entry)))?;
    }
    let done = if args.dry_run { "would remove" } else { "removed" };
    print_message(&format!("{done} {} of {}", dropped, count(entries.len(), "file", "files")));
    failed.map_or(Ok(()), Err)
}

fn print_empty(spool: &Spool) {
    let dir = spool.dir();
    // The user may have mistyped the path.
    let why = if dir.exists() { "" } else { ": the directory does not exist" };
    print_message(&format!("no file in the spool `{}`{why}", dir.display()));
}

fn spool(args: &crate::args::SpoolDirArg) -> Result<Spool, CliError> {
    resolve::spool_dir(args)?.map(Spool::new).ok_or(CliError::NoSpool)
}

fn labels(entry: &SpoolEntry) -> Option<BTreeMap<String, String>> {
    entry.group().map(|key| key.labels().clone())
}

fn shown(entry: &SpoolEntry) -> String {
    let labels = labels(entry).unwrap_or_default();
    escape_control(&shown_labels(&labels)).into_owned()
}

fn word(verb: Verb) -> &'static str {
    match verb {
        Verb::Add => "add",
        Verb::Delete => "delete",
        _ => "push",
    }
}

fn since(made: SystemTime, now: SystemTime) -> Duration {
    now.duration_since(made).unwrap_or_default()
}

fn row(entry: &SpoolEntry, now: SystemTime) -> [String; 7] {
    let file = escape_control(&entry.file().display().to_string()).into_owned();
    let dash = || "-".to_owned();
    if let Some(fault) = entry.fault() {
        return [dash(), fault.to_string(), dash(), dash(), dash(), dash(), file];
    }
    let (families, bytes) = entry.size().unwrap_or_default();
    [
        escape_control(entry.url().unwrap_or_default()).into_owned(),
        shown(entry),
        entry.verb().map_or("", word).to_owned(),
        families.to_string(),
        bytes.to_string(),
        entry.created().map_or_else(dash, |made| format!("{} ago", age(since(made, now)))),
        file,
    ]
}

fn to_json(entry: &SpoolEntry, now: SystemTime) -> Value {
    let unix = |made: SystemTime| made.duration_since(UNIX_EPOCH).ok().map(|it| it.as_secs_f64());
    json!({
        "file": entry.file().display().to_string(),
        "url": entry.url(),
        "labels": labels(entry),
        "verb": entry.verb().map(word),
        "families": entry.size().map(|(families, _)| families),
        "bytes": entry.size().map(|(_, bytes)| bytes),
        "made": entry.created().and_then(unix),
        "age_seconds": entry.created().map(|made| since(made, now).as_secs_f64()),
        "fault": entry.fault().map(|fault| fault.to_string()),
    })
}
