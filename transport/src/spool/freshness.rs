//! Whether a state in the spool is still worth sending.
//!
//! A state is obsolete when its group was pushed after the state was created. The gateway tells the time
//! of the last push (`push_time_seconds`) by its own clock; the state has the time of this machine. The
//! header `Date` of the answer tells how far the two clocks differ. A difference within
//! [`CLOCK_TOLERANCE`] counts as none, because `Date` is cut to a second; a larger one is subtracted.

use std::collections::BTreeMap;
use std::io::Read;
use std::time::{Duration, SystemTime};

use prompush_core::PUSH_TIME;
use serde::de::{Deserialize, Deserializer, Error as _};
use serde_json::Value;

use crate::exchange::{GatewayAnswer, ReadError, group_list};
use crate::group_key::AnyGroupingKey;
use crate::spool::fingerprint;
use crate::spool::record::Record;

/// How far two equal clocks may seem to differ.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(2);

/// Whether a state in the spool is obsolete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// The state is newer than the last push to its group.
    Current,
    /// The group was pushed since, at that time by the clock of this machine.
    PushedSince(SystemTime),
}

/// A group in the gateway's list, as far as it decides whether a state is obsolete.
#[derive(Debug)]
pub(crate) struct ListedGroup {
    /// `None` when the list shows no job.
    key: Option<AnyGroupingKey>,
    last_push: Option<SystemTime>,
    fingerprint: Option<u64>,
}

/// Reads the gateway's list, up to `max` bytes.
pub(crate) fn read_listed_groups(
    body: &mut dyn Read,
    max: usize,
) -> Result<Vec<ListedGroup>, ReadError> {
    group_list::read_all(body, max)
}

/// Decides whether the state of `record` is obsolete.
pub(crate) fn freshness(record: &Record, listed: &GatewayAnswer<Vec<ListedGroup>>) -> Freshness {
    let group = listed.value.iter().find(|group| group.key.as_ref() == Some(&record.key));
    let Some(ListedGroup { last_push: Some(pushed), fingerprint, .. }) = group else {
        return Freshness::Current;
    };
    let pushed = to_local_clock(*pushed, listed);
    // The last push may be a request of ours that the gateway took late. Then it was an older state, or
    // this state, which an older one may still follow.
    let is_our_own = fingerprint.is_some_and(|found| {
        let own = || fingerprint::of_change(&record.change, &record.key);
        record.unconfirmed.contains(&found)
            || (!record.unconfirmed.is_empty() && own() == Some(found))
    });
    if pushed <= record.created || is_our_own {
        Freshness::Current
    } else {
        Freshness::PushedSince(pushed)
    }
}

/// Converts a time of the gateway's clock to the clock of this machine. An answer that took long to
/// arrive tells the difference less exactly.
fn to_local_clock<T>(time: SystemTime, answer: &GatewayAnswer<T>) -> SystemTime {
    let Some(date) = answer.date else { return time };
    let ahead = date.duration_since(answer.answered_at).unwrap_or_default();
    let behind = answer.asked_at.duration_since(date).unwrap_or_default();
    if ahead.max(behind) <= CLOCK_TOLERANCE {
        return time;
    }
    let shifted = time.checked_add(behind).and_then(|time| time.checked_sub(ahead));
    shifted.unwrap_or(time)
}

impl<'de> Deserialize<'de> for ListedGroup {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let group = Value::deserialize(deserializer)?;
        if !group.is_object() {
            return Err(D::Error::custom("a group is an object"));
        }
        let labels = BTreeMap::<String, String>::deserialize(&group["labels"]).unwrap_or_default();
        let key = AnyGroupingKey::from_labels(labels).ok();
        let seconds = group[PUSH_TIME]["metrics"][0]["value"].as_str();
        let seconds = seconds.and_then(|seconds| seconds.parse().ok()).unwrap_or(0.0);
        let fingerprint = key.as_ref().and_then(|key| fingerprint::of_group(&group, key));
        Ok(Self { key, last_push: group_list::time(seconds), fingerprint })
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::exchange::group_list;
    use crate::payload::change_merge::GroupChange;

    fn key(path: &str) -> AnyGroupingKey {
        AnyGroupingKey::from_path(path).unwrap()
    }

    /// Seconds after some moment.
    fn at(seconds: f64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs_f64(1_000_000.0 + seconds)
    }

    /// Checks a state created at 100 whose group was last pushed at `pushed`, while the gateway's clock
    /// shows `date` and ours shows 200.
    fn check(pushed: Option<f64>, date: Option<f64>, fingerprint: u64, expected: Freshness) {
        check_slow(200.0, pushed, date, fingerprint, expected);
    }

    /// As `check`, with a request that was made at `asked` and answered at 200.
    fn check_slow(
        asked: f64,
        pushed: Option<f64>,
        date: Option<f64>,
        fingerprint: u64,
        expected: Freshness,
    ) {
        let record = Record {
            base: "http://gw".to_owned(),
            key: key("/metrics/job/x"),
            change: GroupChange::Delete,
            created: at(100.0),
            unconfirmed: vec![7],
        };
        let group = |key: &AnyGroupingKey, pushed| ListedGroup {
            key: Some(key.clone()),
            last_push: pushed,
            fingerprint: Some(fingerprint),
        };
        let groups = vec![
            group(&key("/metrics/job/y"), Some(at(199.0))),
            group(&record.key, pushed.map(at)),
        ];
        let (date, asked_at, answered_at) = (date.map(at), at(asked), at(200.0));
        let listed = GatewayAnswer { value: groups, status: 200, date, asked_at, answered_at };
        let found = freshness(&record, &listed);
        assert_eq!(found, expected, "pushed {pushed:?}, date {date:?}");
    }

    #[test]
    fn a_state_is_obsolete_when_its_group_was_pushed_since() {
        let since = |seconds| Freshness::PushedSince(at(seconds));
        for date in [None, Some(200.0), Some(199.0), Some(198.1), Some(201.9)] {
            check(None, date, 0, Freshness::Current);
            check(Some(99.9), date, 0, Freshness::Current);
            check(Some(100.1), date, 0, since(100.1));
            // The later push is a request of ours that the gateway took late.
            check(Some(100.1), date, 7, Freshness::Current);
        }
        // The gateway's clock is an hour ahead of ours, or behind.
        for shift in [3600.0, -3600.0] {
            check(Some(90.0 + shift), Some(200.0 + shift), 0, Freshness::Current);
            check(Some(110.0 + shift), Some(200.0 + shift), 0, since(110.0));
        }
    }

    #[test]
    fn a_slow_answer_is_not_taken_for_a_clock_difference() {
        for date in [150.0, 170.0, 200.0] {
            check_slow(150.0, Some(99.0), Some(date), 0, Freshness::Current);
            check_slow(150.0, Some(101.0), Some(date), 0, Freshness::PushedSince(at(101.0)));
        }
    }

    #[test]
    fn a_group_is_read_as_the_gateway_shows_it() {
        let json = r#"{"data": [
            {"labels": {"job": "x", "a": "b/c"}, "last_push_successful": true,
             "push_time_seconds": {"metrics": [{"labels": {}, "value": "1.7953396753492575e+09"}]}},
            {"labels": {"metrics": []}}, {}
        ]}"#;
        let listed: Vec<ListedGroup> = group_list::read_all(&mut json.as_bytes(), 10_000).unwrap();
        assert_eq!(listed[0].key, Some(key("/metrics/job/x/a@base64/Yi9j")));
        assert_eq!(listed[0].last_push, group_list::time(1.795_339_675_349_257_5e9));
        assert!(
            listed[1..].iter().all(|listed| listed.key.is_none() && listed.last_push.is_none())
        );
    }
}
