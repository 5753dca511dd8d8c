//! Guards deletion by label values and the collection of expired groups, against real gateways.

use std::time::Duration;

use prompush::{
    AnyGroupingKey, DeleteOutcome, Gateway, GcEvent, GcOptions, Group, GroupSelector, PushError,
    Registry, push_ttl,
};
use prompush_testing::{Pushgateway, Version, wait_until};

use crate::support::{SOON, config, gauge, key};

/// Runs `test` against each gateway that is installed.
fn each(test: impl Fn(&Gateway)) {
    for server in Version::ALL.into_iter().filter_map(Pushgateway::start) {
        test(&Gateway::with_config(server.url(), config()).expect("a good URL"));
    }
}

/// The jobs of all groups on the gateway.
fn jobs(gateway: &Gateway) -> Vec<String> {
    let groups = gateway.groups().expect("a list");
    groups.into_iter().filter_map(|group| group.labels.get("job").cloned()).collect()
}

#[expect(clippy::unnecessary_wraps, reason = "the callback of a deletion may fail")]
fn ignore(_: &Group) -> Result<(), PushError> {
    Ok(())
}

#[test]
fn wildcards_select_groups_and_a_key_selects_one() {
    each(|gateway| {
        for job in ["gptme-1", "gptme-2", "other"] {
            gateway.push(&key(job), &gauge("rows", 1.0)).expect("a push");
        }
        let selector = GroupSelector::default().label("job", "gptme-*");
        let outcome = gateway.delete_matching(&selector, true, ignore).expect("a list");
        assert!(matches!(outcome, DeleteOutcome::Deleted(groups) if groups.len() == 2));
        assert_eq!(jobs(gateway), ["gptme-1", "gptme-2", "other"], "a dry run deletes nothing");
        let mut deleted = Vec::new();
        let outcome = gateway.delete_matching(&selector, false, |group| {
            deleted.push(group.labels["job"].clone());
            Ok::<(), PushError>(())
        });
        assert!(matches!(outcome, Ok(DeleteOutcome::Deleted(groups)) if groups.len() == 2));
        assert_eq!(deleted, ["gptme-1", "gptme-2"]);
        let other = AnyGroupingKey::from(&key("other"));
        let absent = AnyGroupingKey::from(&key("absent"));
        let outcome = gateway.delete_exact(&absent, false, ignore);
        assert!(matches!(outcome, Ok(DeleteOutcome::NoMatch(groups)) if groups.len() == 1));
        let outcome = gateway.delete_exact(&other, false, ignore);
        assert!(matches!(outcome, Ok(DeleteOutcome::Deleted(groups)) if groups.len() == 1));
    });
}

#[test]
fn only_expired_groups_are_collected() {
    each(|gateway| {
        let registry = || gauge("rows", 1.0);
        gateway.push(&key("kept"), &registry()).expect("a push");
        let for_ever = (registry(), push_ttl(Duration::MAX));
        gateway.push(&key("for_ever"), &for_ever).expect("a push");
        let short = (Registry::new(), push_ttl(Duration::from_nanos(1)));
        gateway.push(&key("expired"), &short).expect("a push");
        let options = GcOptions::default();
        let events = |_: GcEvent<'_>| Ok::<(), PushError>(());
        wait_until(SOON, "the group expires", || {
            let report = gateway.gc(&options.clone().dry_run(true), events).expect("a list");
            report.deleted.len() == 1
        });
        let report = gateway.gc(&options, events).expect("a list");
        assert_eq!((report.deleted.len(), report.for_ever, report.unlimited), (1, 1, 1));
        assert_eq!(report.deleted[0].group.labels["job"], "expired");
    });
}
