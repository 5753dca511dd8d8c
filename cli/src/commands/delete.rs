//! `prompush delete`: one group by its whole key, or every group that matches.

use std::collections::BTreeMap;

use prompush::{AnyGroupingKey, DeleteOutcome, Gateway, Group, GroupSelector};
use prompush_core::GroupingKeyError;

use crate::args::DeleteArgs;
use crate::error::CliError;
use crate::output::escape::escape_control;
use crate::output::groups::shown_labels;
use crate::output::terminal::{print_message, print_warning, write_stdout};
use crate::plural::count;
use crate::resolve;

pub(crate) fn run(args: &DeleteArgs) -> Result<(), CliError> {
    let selector = resolve::group_selector(Some(&args.job), &args.group)?;
    if args.job.is_empty() {
        return Err(CliError::GroupingKey(GroupingKeyError::EmptyJob));
    }
    let mut gateway = resolve::gateway(&args.gateway, |config| config)?;
    if let Some(dir) = resolve::spool_dir(&args.spool)? {
        gateway = gateway.spool(dir);
    }
    let on_group = |group: &Group| {
        if args.quiet && !args.dry_run { Ok(()) } else { print(&group.labels) }
    };
    let outcome = if selector.has_wildcards() && !args.literal {
        gateway.delete_matching(&selector, args.dry_run, on_group)?
    } else {
        let key = AnyGroupingKey::from_labels(selector.patterns().clone());
        gateway.delete_exact(&key.map_err(CliError::GroupingKey)?, args.dry_run, on_group)?
    };
    print_outcome(args, &gateway, &selector, outcome)
}

fn print_outcome(
    args: &DeleteArgs,
    gateway: &Gateway,
    selector: &GroupSelector,
    outcome: DeleteOutcome,
) -> Result<(), CliError> {
    match outcome {
        DeleteOutcome::NoMatch(groups) => report_no_match(args, selector, &groups),
        DeleteOutcome::DeletedUnseen => {
            print_warning(
                "the gateway does not list its groups, so nobody can say whether the group existed",
            );
            if !args.quiet {
                print(selector.patterns())?;
                print_message(&format!("deleted the group, if it existed, at {}", gateway.url()));
            }
            Ok(())
        }
        DeleteOutcome::Spooled { error, dir } => {
            print_message(&format!("stored the deletion in the spool `{}`", dir.display()));
            Err(error.into())
        }
        DeleteOutcome::Deleted(groups) if !args.quiet => {
            let done = if args.dry_run { "would delete" } else { "deleted" };
            let groups = count(groups.len(), "group", "groups");
            print_message(&format!("{done} {groups} at {}", gateway.url()));
            Ok(())
        }
        _ => Ok(()),
    }
}

fn report_no_match(
    args: &DeleteArgs,
    selector: &GroupSelector,
    groups: &[Group],
) -> Result<(), CliError> {
    let key = shown_labels(selector.patterns());
    if args.if_exists {
        if !args.quiet {
            print_message(&format!("no group matches {}", escape_control(&key)));
        }
        return Ok(());
    }
    let of_job = groups.iter().filter(|group| group.labels.get("job") == Some(&args.job)).count();
    let hint = match of_job {
        0 => "`prompush list` shows the groups".to_owned(),
        of_job => format!(
            "{} this job and other labels: `prompush list` shows all labels. Give every label of a group, or a \
             wildcard such as `--group 'instance=*'`",
            count(of_job, "group has", "groups have"),
        ),
    };
    Err(CliError::NoGroup { key, hint: Some(hint) })
}

fn print(labels: &BTreeMap<String, String>) -> Result<(), CliError> {
    let line = shown_labels(labels);
    write_stdout(|stdout| writeln!(stdout, "{}", escape_control(&line)))
}
