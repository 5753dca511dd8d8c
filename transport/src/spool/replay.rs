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

use crate::client::gateway::{GROUPS_PATH, Gateway};
use crate::error::{PushError, SpoolError, SpoolFault, Verb};
use crate::exchange::backoff::{Backoff, wait_within};
use crate::exchange::config::GatewayConfig;
use crate::exchange::connection::{
    Answered, Line, Operation, ReadAnswer, ReadError, Setback, read_acknowledgement,
};
use crate::exchange::groups;
use crate::payload::body::EncodedBody;
use crate::payload::change::{Pending, merged};
use crate::spool::directory::{Lock, Spool, SpoolEntry};
use crate::spool::fingerprint;
use crate::spool::record::Record;

/// How far apart two clocks may seem that are the same: a `Date` is cut to the second.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(2);

/// What became of a kept state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Replayed {
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
pub(crate) enum Standing {
    Current,
    /// Its group was pushed since, at that time by our clock.
    PushedSince(SystemTime),
}

/// What of a group on the gateway decides.
#[derive(Debug)]
pub(crate) struct Held {
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
    pub fn replay(&self, gateway: &Gateway, entry: &SpoolEntry) -> Result<Replayed, ReplayError> {
        let record = entry.record.as_ref().map_err(|fault| ReplayError::Fault(*fault))?;
        let line = gateway.line();
        let base = line.url.base().to_owned();
        if record.base != base {
            let gateway = gateway.url().to_string();
            return Err(ReplayError::OtherGateway { url: record.base.clone(), gateway });
        }
        let _lock = self.lock_replay()?;
        if !entry.is_unchanged() {
            return Ok(Replayed::Gone);
        }
        let mut operation = Operation { verb: record.verb(), path: &record.path, body: None };
        let body = record.state.families().map(|it| EncodedBody::new(it, &line.config));
        let body = body.transpose().map_err(|(kind, cause)| {
            line.error(&operation, &Setback::nothing_sent(kind, cause), 0)
        })?;
        operation.body = body.as_ref();
        self.send_while_current(line, entry, record, &operation)
    }

    fn send_while_current(
        &self,
        line: &Line,
        entry: &SpoolEntry,
        record: &Record,
        operation: &Operation<'_>,
    ) -> Result<Replayed, ReplayError> {
        let read = |body: &mut dyn Read| read_held(body, &line.config);
        let bytes = operation.body.map_or(0, |body| body.http().bytes.len());
        let deadline = line.clock.deadline(line.config.total_timeout);
        let remaining = || deadline.saturating_duration_since(line.clock.now());
        let delays = (line.config.retry_delay_min, line.config.retry_delay_max);
        let (mut backoff, mut rng) =
            (Backoff::new(delays.0, delays.1, line.clock.now()), (line.rng)());
        let (mut sent, mut attempts, mut dropped) = (0, 0, 0);
        while sent < times(record) {
            // Before each attempt: while the last one failed the group may have been pushed.
            let answered = line.until(deadline, &list(), &read)?.answered;
            if let Standing::PushedSince(pushed) = standing(record, &answered) {
                self.remove(entry)?;
                return Ok(Replayed::PushedSince(pushed));
            }
            if !entry.is_unchanged() {
                // Something newer was acknowledged or kept while the gateway was asked.
                return Ok(Replayed::Gone);
            }
            attempts += 1;
            let timeout = line.config.attempt_timeout_for(bytes).min(remaining());
            let Err(setback) = line.attempt(operation, timeout, dropped, &read_acknowledgement)
            else {
                (sent, dropped) = (sent + 1, 0);
                continue;
            };
            dropped = setback.dropped;
            let wait = setback.after.unwrap_or_else(|| backoff.next(&mut rng));
            match wait_within(wait, setback.after.is_some(), remaining()) {
                Some(wait) if setback.retry => line.clock.wait(wait),
                _ => return Err(line.error(operation, &setback, attempts).into()),
            }
        }
        self.remove(entry)?;
        Ok(Replayed::Sent)
    }
}

/// What is to be sent of a group, with what is kept of it.
#[derive(Debug)]
pub(crate) struct Combined {
    /// `None`: nothing.
    pub(crate) state: Option<Pending>,
    /// When what was kept was made, where it is part of the state.
    pub(crate) kept_made: Option<SystemTime>,
    /// How often it is to be sent.
    pub(crate) times: usize,
    /// To be held until it is sent.
    _lock: Option<Lock>,
}

/// Puts what is kept of a group in front of `own`, unless that makes it obsolete, or the group was
/// pushed since. `ask` asks the gateway for its groups.
///
/// A spool that cannot be used is logged and left alone.
pub(crate) fn with_kept<E>(
    spool: Option<&Spool>,
    line: &Line,
    path: &str,
    own: Option<Pending>,
    ask: impl FnOnce(&Operation<'_>, ReadAnswer<'_, Vec<Held>>) -> Result<Answered<Vec<Held>>, E>,
) -> Result<Combined, E> {
    let alone = |own| Ok(Combined { state: own, kept_made: None, times: 1, _lock: None });
    let Some(spool) = spool else { return alone(own) };
    let base = line.url.base().to_owned();
    if own.as_ref().is_some_and(Pending::replaces_all) {
        // What is kept may be on its way, sent by another process: ours is to be later than it.
        let times = 1 + usize::from(spool.find(&base, path).is_some());
        return Ok(Combined { state: own, kept_made: None, times, _lock: None });
    }
    let locked = |record| spool.lock_replay().map(|lock| (lock, record));
    let found = spool.find(&base, path).map(locked).transpose();
    let (lock, record) = match found {
        Ok(Some(found)) => found,
        Ok(None) => return alone(own),
        Err(error) => {
            log::warn!("what is kept of `{}` is not sent now: {error}", line.url.redacted(path));
            return alone(own);
        }
    };
    let read = |body: &mut dyn Read| read_held(body, &line.config);
    let answered = ask(&list(), &read)?;
    if let Standing::PushedSince(_) = standing(&record, &answered) {
        let url = line.url.redacted(path);
        match spool.forget(&base, path, record.made) {
            Ok(_) => log::warn!("what was kept of `{url}` is dropped: it was pushed since"),
            Err(error) => log::warn!("what is kept of `{url}` is obsolete: {error}"),
        }
        return alone(own);
    }
    let times = times(&record);
    let kept = match record.state.in_format(line.config.format) {
        Ok(kept) => kept,
        Err(error) => {
            log::warn!("what is kept of `{}` is not sent: {error}", line.url.redacted(path));
            return alone(own);
        }
    };
    let (state, kept_made) = (merged(Some(kept), own), Some(record.made));
    Ok(Combined { state, kept_made, times, _lock: Some(lock) })
}

/// What came before it may still be stuck in the gateway: then it is sent twice, so that the late
/// one does not have the last word.
fn times(record: &Record) -> usize {
    if record.doubts.is_empty() { 1 } else { 2 }
}

fn list() -> Operation<'static> {
    Operation { verb: Verb::List, path: GROUPS_PATH, body: None }
}

fn read_held(body: &mut dyn Read, config: &GatewayConfig) -> Result<Vec<Held>, ReadError> {
    groups::read_all(body, config.answer_bytes_max)
}

fn standing(record: &Record, held: &Answered<Vec<Held>>) -> Standing {
    let group = held.value.iter().find(|group| group.path == record.path);
    let Some(Held { last_push: Some(pushed), fingerprint, .. }) = group else {
        return Standing::Current;
    };
    let pushed = by_our_clock(*pushed, held);
    // What was pushed since may be our own request, which came late: an older state, or this one,
    // which the older one may still follow.
    let is_our_own = fingerprint.is_some_and(|found| {
        let own = || fingerprint::of_state(&record.state, &record.path);
        record.doubts.contains(&found) || (!record.doubts.is_empty() && own() == Some(found))
    });
    if pushed <= record.made || is_our_own {
        Standing::Current
    } else {
        Standing::PushedSince(pushed)
    }
}

/// `theirs` by our clock, as far as an answer shows how far the two are apart. One that took long to
/// begin shows less.
fn by_our_clock<T>(theirs: SystemTime, answered: &Answered<T>) -> SystemTime {
    let Some(date) = answered.date else { return theirs };
    let ahead = date.duration_since(answered.heard_at).unwrap_or_default();
    let behind = answered.asked_at.duration_since(date).unwrap_or_default();
    if ahead.max(behind) <= CLOCK_TOLERANCE {
        return theirs;
    }
    let shifted = theirs.checked_add(behind).and_then(|time| time.checked_sub(ahead));
    shifted.unwrap_or(theirs)
}

impl<'de> Deserialize<'de> for Held {
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

impl fmt::Display for Replayed {
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

    /// Seconds after some moment.
    fn at(seconds: f64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs_f64(1_000_000.0 + seconds)
    }

    /// What a state made at 100 is, if its group was last pushed then, and the gateway's clock shows
    /// `date` as ours shows 200.
    fn check(pushed: Option<f64>, date: Option<f64>, fingerprint: u64, expected: Standing) {
        check_slow(200.0, pushed, date, fingerprint, expected);
    }

    /// The same, with an answer that began at 200 and was asked for then.
    fn check_slow(
        asked: f64,
        pushed: Option<f64>,
        date: Option<f64>,
        fingerprint: u64,
        expected: Standing,
    ) {
        let record = Record {
            base: "http://gw".to_owned(),
            path: "/metrics/job/x".to_owned(),
            state: Pending::Delete,
            made: at(100.0),
            doubts: vec![7],
        };
        let group = |path: &str, pushed| Held {
            path: path.to_owned(),
            last_push: pushed,
            fingerprint: Some(fingerprint),
        };
        let groups =
            vec![group("/metrics/job/y", Some(at(199.0))), group(&record.path, pushed.map(at))];
        let (date, asked_at, heard_at) = (date.map(at), at(asked), at(200.0));
        let held = Answered { value: groups, status: 200, date, asked_at, heard_at };
        let found = standing(&record, &held);
        assert_eq!(found, expected, "pushed {pushed:?}, date {date:?}");
    }

    #[test]
    fn a_state_is_obsolete_when_its_group_was_pushed_since() {
        let since = |seconds| Standing::PushedSince(at(seconds));
        for date in [None, Some(200.0), Some(199.0), Some(198.1), Some(201.9)] {
            check(None, date, 0, Standing::Current);
            check(Some(99.9), date, 0, Standing::Current);
            check(Some(100.1), date, 0, since(100.1));
            // What came since is one of our own requests, late.
            check(Some(100.1), date, 7, Standing::Current);
        }
        // The gateway's clock is an hour ahead of ours, or behind.
        for shift in [3600.0, -3600.0] {
            check(Some(90.0 + shift), Some(200.0 + shift), 0, Standing::Current);
            check(Some(110.0 + shift), Some(200.0 + shift), 0, since(110.0));
        }
    }

    #[test]
    fn a_gateway_that_takes_long_to_answer_has_no_other_clock() {
        for date in [150.0, 170.0, 200.0] {
            check_slow(150.0, Some(99.0), Some(date), 0, Standing::Current);
            check_slow(150.0, Some(101.0), Some(date), 0, Standing::PushedSince(at(101.0)));
        }
    }

    #[test]
    fn a_group_is_read_as_the_gateway_shows_it() {
        let json = r#"{"data": [
            {"labels": {"job": "x", "a": "b/c"}, "last_push_successful": true,
             "push_time_seconds": {"metrics": [{"labels": {}, "value": "1.7953396753492575e+09"}]}},
            {"labels": {"metrics": []}}, {}
        ]}"#;
        let held: Vec<Held> = groups::read_all(&mut json.as_bytes(), 10_000).unwrap();
        assert_eq!(held[0].path, "/metrics/job/x/a@base64/Yi9j");
        assert_eq!(held[0].last_push, groups::time(1.795_339_675_349_257_5e9));
        assert!(held[1..].iter().all(|held| held.path.is_empty() && held.last_push.is_none()));
    }
}
