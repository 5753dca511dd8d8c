//! Whether a state that was kept is still worth sending, and sending it.
//!
//! It is not when its group was pushed since. The gateway says when that was, by its own clock
//! (`push_time_seconds`); the state was made by ours. The `Date` of the answer tells how far the two
//! are apart, to a second and the time that the answer took to begin: they count as the same clock
//! within [`CLOCK_TOLERANCE`], and the difference is taken off beyond it.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;
use std::time::{Duration, SystemTime};

use prompush_core::{PUSH_TIME, encode_path};
use serde::de::{Deserialize, Deserializer, Error as _};
use serde_json::Value;

use crate::client::gateway::Gateway;
use crate::error::push_error::PushError;
use crate::error::spool::{SpoolError, SpoolFault};
use crate::error::verb::Verb;
use crate::exchange::answer::{GatewayAnswer, ReadAnswer, ReadError, read_acknowledgement};
use crate::exchange::attempt_error::AttemptError;
use crate::exchange::config::GatewayConfig;
use crate::exchange::connection::Connection;
use crate::exchange::groups;
use crate::exchange::operation::{GROUPS_PATH, Operation};
use crate::exchange::retry::FailedAttempt;
use crate::payload::body::EncodedBody;
use crate::payload::change::{GroupChange, merged};
use crate::spool::directory::{Lock, Spool, SpoolEntry};
use crate::spool::fingerprint;
use crate::spool::record::Record;

/// How far apart two clocks may seem that are the same: a `Date` is cut to the second.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(2);

/// What became of a kept state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplayOutcome {
    /// The gateway has acknowledged it, and its file is gone.
    Sent,
    /// Its group was pushed since, at that time by our clock: it was not sent, and its file is gone.
    PushedSince(SystemTime),
    /// Its file was removed or replaced meanwhile.
    Gone,
}

/// Why a kept state was not sent. Its file is still there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// The file cannot be read as a state.
    #[error("cannot send what is kept in the spool")]
    Fault(#[source] SpoolFault),
    /// It is meant for another gateway.
    #[error("cannot send to `{gateway}` what is kept for `{url}`")]
    OtherGateway {
        /// The gateway it is meant for.
        url: String,
        /// The one it was to be sent to, credentials shown as `***`.
        gateway: String,
    },
    /// The spool is locked, or its file could not be read or removed.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// The gateway refused, or did not answer in time.
    #[error(transparent)]
    Push(#[from] PushError),
}

/// Whether a kept state is obsolete.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freshness {
    Current,
    /// Its group was pushed since, at that time by our clock.
    PushedSince(SystemTime),
}

/// What of a group on the gateway decides.
#[derive(Debug)]
pub(crate) struct ListedGroup {
    path: String,
    last_push: Option<SystemTime>,
    fingerprint: Option<u64>,
}

impl Spool {
    /// Sends a kept state to its gateway, unless its group was pushed since, and removes its file.
    ///
    /// While this runs no other process sends anything of the spool. It takes at most
    /// [`total_timeout`](GatewayConfig#structfield.total_timeout), with the look at the group.
    ///
    /// # Errors
    ///
    /// [`ReplayError`]; the file stays where it is.
    pub fn replay(
        &self,
        gateway: &Gateway,
        entry: &SpoolEntry,
    ) -> Result<ReplayOutcome, ReplayError> {
        let record = entry.record.as_ref().map_err(|fault| ReplayError::Fault(*fault))?;
        let connection = gateway.connection();
        let base = connection.url.base().to_owned();
        if record.base != base {
            let gateway = gateway.url().to_string();
            return Err(ReplayError::OtherGateway { url: record.base.clone(), gateway });
        }
        let _lock = self.lock_replay()?;
        if !entry.is_unchanged() {
            return Ok(ReplayOutcome::Gone);
        }
        let mut operation = Operation { verb: record.verb(), path: &record.path, body: None };
        let body = record.state.families().map(|it| EncodedBody::new(it, &connection.config));
        let body = body.transpose().map_err(|(kind, cause)| {
            connection.error(&operation, &AttemptError::nothing_sent(kind, cause), 0)
        })?;
        operation.body = body.as_ref();
        self.send_while_current(connection, entry, record, &operation)
    }

    /// Sends the state `send_count` times. Looks at the group before each attempt, because the group
    /// may have been pushed while the last attempt failed.
    fn send_while_current(
        &self,
        connection: &Connection,
        entry: &SpoolEntry,
        record: &Record,
        operation: &Operation<'_>,
    ) -> Result<ReplayOutcome, ReplayError> {
        let read = |body: &mut dyn Read| read_listed_groups(body, &connection.config);
        let deadline = connection.clock.deadline(connection.config.total_timeout);
        let timeout = connection.config.attempt_timeout_for(operation.body_bytes());
        let permanent = |error| FailedAttempt::permanent(Box::new(error));
        let (mut attempts, mut dropped) = (0, 0);
        let mut attempt = || {
            let listed = connection.until_deadline(deadline, &list(), &read);
            let listed = listed.map_err(|error| permanent(ReplayError::from(error)))?;
            if let Freshness::PushedSince(pushed) = freshness(record, &listed.answered) {
                self.remove(entry).map_err(|error| permanent(ReplayError::from(error)))?;
                return Ok(ReplayOutcome::PushedSince(pushed));
            }
            if !entry.is_unchanged() {
                // A newer state was acknowledged or spooled while the gateway was asked.
                return Ok(ReplayOutcome::Gone);
            }
            attempts += 1;
            let remaining = deadline.saturating_duration_since(connection.clock.now());
            let timeout = timeout.min(remaining);
            match connection.attempt(operation, timeout, dropped, &read_acknowledgement) {
                Ok(_) => {
                    dropped = 0;
                    Ok(ReplayOutcome::Sent)
                }
                Err(error) => {
                    dropped = error.dropped;
                    let (is_retryable, retry_after) = (error.is_retryable, error.retry_after);
                    let error = Box::new(connection.error(operation, &error, attempts).into());
                    Err(FailedAttempt { error, is_retryable, retry_after })
                }
            }
        };
        for _ in 0..send_count(record) {
            let wait = |time| connection.wait.wait(time);
            let outcome = connection.retry(deadline, wait, &mut attempt);
            let outcome = outcome.map_err(|error: Box<ReplayError>| *error)?;
            if outcome != ReplayOutcome::Sent {
                return Ok(outcome);
            }
        }
        self.remove(entry)?;
        Ok(ReplayOutcome::Sent)
    }
}

/// What is to be sent of a group, with what is kept of it.
#[derive(Debug)]
pub(crate) struct ChangeToSend {
    /// `None`: nothing.
    pub(crate) state: Option<GroupChange>,
    /// When what was kept was made, where it is part of the state.
    pub(crate) spooled_created: Option<SystemTime>,
    /// How often it is to be sent.
    pub(crate) send_count: usize,
    /// To be held until it is sent.
    _lock: Option<Lock>,
}

/// Puts what is kept of a group in front of `own`, unless that makes it obsolete, or the group was
/// pushed since. `ask` asks the gateway for its groups.
///
/// A spool that cannot be used is logged and left alone.
pub(crate) fn with_spooled<E>(
    spool: Option<&Spool>,
    connection: &Connection,
    path: &str,
    own: Option<GroupChange>,
    ask: impl FnOnce(
        &Operation<'_>,
        ReadAnswer<'_, Vec<ListedGroup>>,
    ) -> Result<GatewayAnswer<Vec<ListedGroup>>, E>,
) -> Result<ChangeToSend, E> {
    let alone =
        |own| Ok(ChangeToSend { state: own, spooled_created: None, send_count: 1, _lock: None });
    let Some(spool) = spool else { return alone(own) };
    let base = connection.url.base().to_owned();
    if own.as_ref().is_some_and(GroupChange::replaces_all) {
        // What is kept may be on its way, sent by another process: ours is to be later than it.
        let send_count = 1 + usize::from(spool.find(&base, path).is_some());
        return Ok(ChangeToSend { state: own, spooled_created: None, send_count, _lock: None });
    }
    let locked = |record| spool.lock_replay().map(|lock| (lock, record));
    let found = spool.find(&base, path).map(locked).transpose();
    let (lock, record) = match found {
        Ok(Some(found)) => found,
        Ok(None) => return alone(own),
        Err(error) => {
            log::warn!(
                "what is kept of `{}` is not sent now: {error}",
                connection.url.redacted(path)
            );
            return alone(own);
        }
    };
    let read = |body: &mut dyn Read| read_listed_groups(body, &connection.config);
    let answered = ask(&list(), &read)?;
    if let Freshness::PushedSince(_) = freshness(&record, &answered) {
        let url = connection.url.redacted(path);
        match spool.remove_obsolete(&base, path, record.created) {
            Ok(_) => log::warn!("what was kept of `{url}` is dropped: it was pushed since"),
            Err(error) => log::warn!("what is kept of `{url}` is obsolete: {error}"),
        }
        return alone(own);
    }
    let send_count = send_count(&record);
    let spooled = match record.state.in_format(connection.config.format) {
        Ok(spooled) => spooled,
        Err(error) => {
            log::warn!("what is kept of `{}` is not sent: {error}", connection.url.redacted(path));
            return alone(own);
        }
    };
    let (state, spooled_created) = (merged(Some(spooled), own), Some(record.created));
    Ok(ChangeToSend { state, spooled_created, send_count, _lock: Some(lock) })
}

/// What came before it may still be stuck in the gateway: then it is sent twice, so that the late
/// one does not have the last word.
fn send_count(record: &Record) -> usize {
    if record.unconfirmed.is_empty() { 1 } else { 2 }
}

fn list() -> Operation<'static> {
    Operation { verb: Verb::List, path: GROUPS_PATH, body: None }
}

fn read_listed_groups(
    body: &mut dyn Read,
    config: &GatewayConfig,
) -> Result<Vec<ListedGroup>, ReadError> {
    groups::read_all(body, config.answer_bytes_max)
}

fn freshness(record: &Record, stored: &GatewayAnswer<Vec<ListedGroup>>) -> Freshness {
    let group = stored.value.iter().find(|group| group.path == record.path);
    let Some(ListedGroup { last_push: Some(pushed), fingerprint, .. }) = group else {
        return Freshness::Current;
    };
    let pushed = to_local_clock(*pushed, stored);
    // What was pushed since may be our own request, which came late: an older state, or this one,
    // which the older one may still follow.
    let is_our_own = fingerprint.is_some_and(|found| {
        let own = || fingerprint::of_state(&record.state, &record.path);
        record.unconfirmed.contains(&found)
            || (!record.unconfirmed.is_empty() && own() == Some(found))
    });
    if pushed <= record.created || is_our_own {
        Freshness::Current
    } else {
        Freshness::PushedSince(pushed)
    }
}

/// `theirs` by our clock, as far as an answer shows how far the two are apart. One that took long to
/// begin shows less.
fn to_local_clock<T>(theirs: SystemTime, answered: &GatewayAnswer<T>) -> SystemTime {
    let Some(date) = answered.date else { return theirs };
    let ahead = date.duration_since(answered.heard_at).unwrap_or_default();
    let behind = answered.asked_at.duration_since(date).unwrap_or_default();
    if ahead.max(behind) <= CLOCK_TOLERANCE {
        return theirs;
    }
    let shifted = theirs.checked_add(behind).and_then(|time| time.checked_sub(ahead));
    shifted.unwrap_or(theirs)
}

impl<'de> Deserialize<'de> for ListedGroup {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let group = Value::deserialize(deserializer)?;
        if !group.is_object() {
            return Err(D::Error::custom("a group is an object"));
        }
        let labels = BTreeMap::<String, String>::deserialize(&group["labels"]).unwrap_or_default();
        let labels = labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let path = encode_path(labels).unwrap_or_default();
        let seconds = group[PUSH_TIME]["metrics"][0]["value"].as_str();
        let seconds = seconds.and_then(|seconds| seconds.parse().ok()).unwrap_or(0.0);
        let fingerprint = fingerprint::of_group(&group, &path);
        Ok(Self { path, last_push: groups::time(seconds), fingerprint })
    }
}

impl fmt::Display for ReplayOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sent => "sent",
            Self::PushedSince(_) => "dropped, because the group was pushed since",
            Self::Gone => "gone meanwhile",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::exchange::groups;

    /// Seconds after some moment.
    fn at(seconds: f64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs_f64(1_000_000.0 + seconds)
    }

    /// What a state made at 100 is, if its group was last pushed then, and the gateway's clock shows
    /// `date` as ours shows 200.
    fn check(pushed: Option<f64>, date: Option<f64>, fingerprint: u64, expected: Freshness) {
        check_slow(200.0, pushed, date, fingerprint, expected);
    }

    /// The same, with an answer that began at 200 and was asked for then.
    fn check_slow(
        asked: f64,
        pushed: Option<f64>,
        date: Option<f64>,
        fingerprint: u64,
        expected: Freshness,
    ) {
        let record = Record {
            base: "http://gw".to_owned(),
            path: "/metrics/job/x".to_owned(),
            state: GroupChange::Delete,
            created: at(100.0),
            unconfirmed: vec![7],
        };
        let group = |path: &str, pushed| ListedGroup {
            path: path.to_owned(),
            last_push: pushed,
            fingerprint: Some(fingerprint),
        };
        let groups =
            vec![group("/metrics/job/y", Some(at(199.0))), group(&record.path, pushed.map(at))];
        let (date, asked_at, heard_at) = (date.map(at), at(asked), at(200.0));
        let stored = GatewayAnswer { value: groups, status: 200, date, asked_at, heard_at };
        let found = freshness(&record, &stored);
        assert_eq!(found, expected, "pushed {pushed:?}, date {date:?}");
    }

    #[test]
    fn a_state_is_obsolete_when_its_group_was_pushed_since() {
        let since = |seconds| Freshness::PushedSince(at(seconds));
        for date in [None, Some(200.0), Some(199.0), Some(198.1), Some(201.9)] {
            check(None, date, 0, Freshness::Current);
            check(Some(99.9), date, 0, Freshness::Current);
            check(Some(100.1), date, 0, since(100.1));
            // What came since is one of our own requests, late.
            check(Some(100.1), date, 7, Freshness::Current);
        }
        // The gateway's clock is an hour ahead of ours, or behind.
        for shift in [3600.0, -3600.0] {
            check(Some(90.0 + shift), Some(200.0 + shift), 0, Freshness::Current);
            check(Some(110.0 + shift), Some(200.0 + shift), 0, since(110.0));
        }
    }

    #[test]
    fn a_gateway_that_takes_long_to_answer_has_no_other_clock() {
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
        let stored: Vec<ListedGroup> = groups::read_all(&mut json.as_bytes(), 10_000).unwrap();
        assert_eq!(stored[0].path, "/metrics/job/x/a@base64/Yi9j");
        assert_eq!(stored[0].last_push, groups::time(1.795_339_675_349_257_5e9));
        assert!(
            stored[1..].iter().all(|stored| stored.path.is_empty() && stored.last_push.is_none())
        );
    }
}
