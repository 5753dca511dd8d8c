//! `prompush delete`: one group by its whole key, or all that match.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use prompush::{Gateway, Group, PushErrorKind};
use prompush_core::GroupingKeyError;

use crate::args::DeleteArgs;
use crate::error::CliError;
use crate::output::escape::escape_control;
use crate::output::groups::{shown_labels, sort_groups};
use crate::output::plural::count;
use crate::output::terminal::{print_message, print_warning, write_stdout};
use crate::resolve::{self, Selector};

pub(crate) fn run(args: &DeleteArgs) -> Result<(), CliError> {
    let selector = Selector::new(Some(&args.job), &args.group)?;
    let by_glob = selector.has_globs() && !args.literal;
    if args.job.is_empty() {
        return Err(CliError::GroupingKey(GroupingKeyError::EmptyJob));
    }
    let deadline = Deadline::after(args.gateway.timeout);
    // One group can be deleted unseen, if there is time left for it when the list does not come.
    let share = if by_glob || args.dry_run { 1 } else { 2 };
    let list_timeout = args.gateway.timeout / share;
    let mut gateway = resolve::gateway(&args.gateway, |config| config.total_timeout(list_timeout))?;
    if let Some(dir) = resolve::spool_dir(&args.spool)? {
        gateway = gateway.spool(dir);
    }
    let mut listed = gateway.groups();
    let is_late = |kind: PushErrorKind| kind.is_retryable() && !can_go_on(kind);
    if share > 1 && listed.as_ref().is_err_and(|error| is_late(error.kind())) {
        // Nothing but the list can come next: it gets the other share, too.
        gateway.set_total_timeout(deadline.remaining());
        listed = gateway.groups();
    }
    let mut groups = match listed {
        Ok(groups) => groups,
        Err(error) if !by_glob && !args.dry_run && can_go_on(error.kind()) => {
            gateway.set_total_timeout(deadline.remaining());
            return delete_unseen(args, &gateway, &selector);
        }
        Err(error) if !by_glob && !args.dry_run => {
            keep(args, &selector)?;
            return Err(error.into());
        }
        Err(error) => return Err(error.into()),
    };
    sort_groups(&mut groups);
    let chosen: Vec<&Group> = groups
        .iter()
        .filter(|group| {
            if by_glob { selector.matches(&group.labels) } else { group.labels == selector.globs }
        })
        .collect();
    if chosen.is_empty() {
        return nothing_to_delete(args, &selector, &groups);
    }
    for group in &chosen {
        if !args.dry_run {
            gateway.set_total_timeout(deadline.remaining());
            gateway.delete_group(group)?;
        }
        if !args.quiet || args.dry_run {
            print(&group.labels)?;
        }
    }
    if !args.quiet {
        let done = if args.dry_run { "would delete" } else { "deleted" };
        print_message(&format!(
            "{done} {} at {}",
            count(chosen.len(), "group", "groups"),
            gateway.url()
        ));
    }
    Ok(())
}

/// When the list and all deletions have to be done.
struct Deadline {
    start: Instant,
    total: Duration,
}

impl Deadline {
    fn after(total: Duration) -> Self {
        Self { start: monotonic(), total }
    }

    fn remaining(&self) -> Duration {
        self.total.saturating_sub(self.start.elapsed())
    }
}

#[expect(clippy::disallowed_methods, reason = "the time of the command is measured here alone")]
fn monotonic() -> Instant {
    Instant::now()
}

/// Whether a group may be deleted although the groups cannot be listed: a proxy may hide the list,
/// and one group with metrics that cannot be shown spoils it on stock gateways.
fn can_go_on(kind: PushErrorKind) -> bool {
    !kind.is_retryable() || matches!(kind, PushErrorKind::Unavailable(500) | PushErrorKind::Dropped)
}

fn delete_unseen(
    args: &DeleteArgs,
    gateway: &Gateway,
    selector: &Selector,
) -> Result<(), CliError> {
    // Not by a `GroupingKey`, which refuses some of what others may have pushed.
    let mut group = Group::default();
    group.labels.clone_from(&selector.globs);
    gateway.delete_group(&group)?;
    print_warning(
        "the gateway does not list its groups, so whether there was such a group is not known",
    );
    if !args.quiet {
        print(&selector.globs)?;
        print_message(&format!("deleted the group, if there was one, at {}", gateway.url()));
    }
    Ok(())
}

/// Keeps the deletion in the spool, if there is one: the gateway has been waited for already.
fn keep(args: &DeleteArgs, selector: &Selector) -> Result<(), CliError> {
    let Some(dir) = resolve::spool_dir(&args.spool)? else { return Ok(()) };
    let gateway = resolve::gateway(&args.gateway, |config| config.total_timeout(Duration::ZERO))?;
    let mut group = Group::default();
    group.labels.clone_from(&selector.globs);
    match gateway.spool(&dir).delete_group(&group) {
        Err(error) if error.spooled_in().is_none() => Err(error.into()),
        _ => {
            print_message(&format!("the deletion is kept in the spool `{}`", dir.display()));
            Ok(())
        }
    }
}

fn nothing_to_delete(
    args: &DeleteArgs,
    selector: &Selector,
    groups: &[Group],
) -> Result<(), CliError> {
    if args.if_exists {
        if !args.quiet {
            print_message(&format!(
                "no group matches {}",
                escape_control(&shown_labels(&selector.globs))
            ));
        }
        return Ok(());
    }
    let of_job = groups.iter().filter(|group| group.labels.get("job") == Some(&args.job)).count();
    let hint = match of_job {
        0 => "`prompush list` shows the groups".to_owned(),
        of_job => format!(
            "{} of that job with other labels: `prompush list` shows them, and a group is deleted by its \
             whole key, or by wildcards such as `--group 'instance=*'`",
            count(of_job, "group is", "groups are"),
        ),
    };
    Err(CliError::NoGroup { key: shown_labels(&selector.globs), hint: Some(hint) })
}

fn print(labels: &BTreeMap<String, String>) -> Result<(), CliError> {
    let line = shown_labels(labels);
    write_stdout(|stdout| writeln!(stdout, "{}", escape_control(&line)))
}
