//! Sending the states that are in the spool.

use std::fmt;
use std::io::Read;
use std::time::{Instant, SystemTime};

use crate::error::{PushError, SpoolError, SpoolFault, Verb};
use crate::exchange::{
    AttemptError, Connection, FailedAttempt, GatewayAnswer, Operation, ReadAnswer,
    read_acknowledgement,
};
use crate::group_key::AnyGroupingKey;
use crate::payload::{EncodedBody, GroupChange, merged};
use crate::spool::directory::{Spool, SpoolEntry};
use crate::spool::freshness::{Freshness, ListedGroup, freshness, read_listed_groups};
use crate::spool::lock::Lock;
use crate::spool::record::Record;

/// The result of sending a state from the spool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplayOutcome {
    /// The gateway has acknowledged the state. Its file is removed.
    Sent,
    /// The state was not sent, because its group was pushed since, at that time by the clock of this
    /// machine. Its file is removed.
    PushedSince(SystemTime),
    /// Another process has removed or replaced the file meanwhile.
    Gone,
}

/// Why a state in the spool was not sent. Its file stays in the spool.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// The file holds no state that can be read.
    #[error("cannot send what is kept in the spool")]
    Fault(#[source] SpoolFault),
    /// The state belongs to another gateway.
    #[error("cannot send to `{gateway}` what is kept for `{url}`")]
    OtherGateway {
        /// The base URL of the gateway that the state belongs to.
        url: String,
        /// The base URL of the gateway that it was to be sent to, credentials shown as `***`.
        gateway: String,
    },
    /// The spool is locked, or the file could not be read or removed.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// The gateway refused the state, or did not acknowledge it in time.
    #[error(transparent)]
    Push(#[from] PushError),
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

/// Sends the state of a file to its gateway and removes the file, as
/// [`Spool::replay`](crate::Spool::replay) says.
pub(crate) fn replay(
    spool: &Spool,
    connection: &Connection,
    entry: &SpoolEntry,
) -> Result<ReplayOutcome, ReplayError> {
    let record = entry.record.as_ref().map_err(|fault| ReplayError::Fault(*fault))?;
    if record.base != connection.url.base() {
        let gateway = connection.url.to_redacted().to_string();
        return Err(ReplayError::OtherGateway { url: record.base.clone(), gateway });
    }
    let _lock = spool.lock_replay()?;
    if !entry.is_unchanged() {
        return Ok(ReplayOutcome::Gone);
    }
    let mut operation = Operation::on_group(record.verb(), &record.key);
    let options = connection.config.body_options();
    let body = EncodedBody::of_change(&record.change, options).map_err(|(kind, cause)| {
        connection.error(&operation, &AttemptError::nothing_sent(kind, cause), 0)
    })?;
    operation.body = body.as_ref();
    let deadline = connection.clock.deadline(connection.config.total_timeout);
    let mut attempts = ReplayAttempts {
        spool,
        connection,
        entry,
        record,
        operation,
        deadline,
        attempts: 0,
        dropped: 0,
    };
    for _ in 0..send_count(record) {
        let wait = |time| connection.wait.wait(time);
        let outcome = connection.retry(deadline, wait, || attempts.next());
        match outcome.map_err(|error| *error)? {
            ReplayOutcome::Sent => {}
            outcome => return Ok(outcome),
        }
    }
    spool.remove(entry)?;
    Ok(ReplayOutcome::Sent)
}

/// The attempts to send one state.
struct ReplayAttempts<'a> {
    spool: &'a Spool,
    connection: &'a Connection,
    entry: &'a SpoolEntry,
    record: &'a Record,
    operation: Operation<'a>,
    deadline: Instant,
    attempts: u32,
    /// As [`AttemptError::dropped`], after the last attempt.
    dropped: u32,
}

impl ReplayAttempts<'_> {
    /// Looks at the group and sends the state unless it is obsolete. The look comes before each attempt,
    /// because the group may have been pushed while the last attempt failed.
    fn next(&mut self) -> Result<ReplayOutcome, FailedAttempt<Box<ReplayError>>> {
        let Self { connection, deadline, .. } = *self;
        let read =
            |body: &mut dyn Read| read_listed_groups(body, connection.config.answer_bytes_max);
        let listed = connection
            .until_deadline(deadline, &list_operation(), &read)
            .map_err(|error| permanent(error.into()))?;
        if let Freshness::PushedSince(pushed) = freshness(self.record, &listed.answer) {
            self.spool.remove(self.entry).map_err(|error| permanent(error.into()))?;
            return Ok(ReplayOutcome::PushedSince(pushed));
        }
        if !self.entry.is_unchanged() {
            // A newer state was acknowledged or spooled while the gateway was asked.
            return Ok(ReplayOutcome::Gone);
        }
        self.attempts += 1;
        let remaining = deadline.saturating_duration_since(connection.clock.now());
        let timeout = connection.config.attempt_timeout_for(self.operation.body_bytes());
        let timeout = timeout.min(remaining);
        let (operation, read) = (&self.operation, &read_acknowledgement);
        match connection.attempt(operation, timeout, self.dropped, read) {
            Ok(_) => {
                self.dropped = 0;
                Ok(ReplayOutcome::Sent)
            }
            Err(failed) => {
                self.dropped = failed.dropped;
                let error = connection.error(operation, &failed, self.attempts);
                Err(FailedAttempt {
                    error: Box::new(error.into()),
                    is_retryable: failed.is_retryable,
                    retry_after: failed.retry_after,
                })
            }
        }
    }
}

fn permanent(error: ReplayError) -> FailedAttempt<Box<ReplayError>> {
    FailedAttempt::permanent(Box::new(error))
}

/// A change of a group, merged with what the spool keeps of the group.
#[derive(Debug)]
pub(crate) struct ChangeToSend {
    /// `None` when there is nothing to send.
    pub(crate) change: Option<GroupChange>,
    /// When the spooled state was created, if it is part of the change.
    pub(crate) spooled_created: Option<SystemTime>,
    /// How often the change is to be sent.
    pub(crate) send_count: usize,
    /// Held until the change is sent.
    _lock: Option<Lock>,
}

impl ChangeToSend {
    /// A change without anything from the spool.
    fn own(change: Option<GroupChange>, send_count: usize) -> Self {
        Self { change, spooled_created: None, send_count, _lock: None }
    }
}

/// Merges what the spool keeps of a group with a later change of it. A spooled state is left out when
/// the change replaces the whole group, and when the group was pushed since.
///
/// `list` asks the gateway for its groups. A spool that cannot be used is logged and ignored.
pub(crate) fn with_spooled<E>(
    spool: Option<&Spool>,
    connection: &Connection,
    key: &AnyGroupingKey,
    own: Option<GroupChange>,
    list: impl FnOnce(
        &Operation<'_>,
        ReadAnswer<'_, Vec<ListedGroup>>,
    ) -> Result<GatewayAnswer<Vec<ListedGroup>>, E>,
) -> Result<ChangeToSend, E> {
    let Some(spool) = spool else { return Ok(ChangeToSend::own(own, 1)) };
    let base = connection.url.base();
    let url = || connection.url.redacted(key.path());
    let spooled = spool.find(base, key);
    if own.as_ref().is_some_and(GroupChange::replaces_all) {
        // Another process may be sending the spooled state right now. Sending ours twice makes sure that
        // ours comes last.
        return Ok(ChangeToSend::own(own, 1 + usize::from(spooled.is_some())));
    }
    let locked = |record| spool.lock_replay().map(|lock| (lock, record));
    let (lock, record) = match spooled.map(locked).transpose() {
        Ok(Some(found)) => found,
        Ok(None) => return Ok(ChangeToSend::own(own, 1)),
        Err(error) => {
            log::warn!("the spooled state of `{}` is not sent now: {error}", url());
            return Ok(ChangeToSend::own(own, 1));
        }
    };
    let read = |body: &mut dyn Read| read_listed_groups(body, connection.config.answer_bytes_max);
    let listed = list(&list_operation(), &read)?;
    if let Freshness::PushedSince(_) = freshness(&record, &listed) {
        match spool.remove_obsolete(base, key, record.created) {
            Ok(_) => log::warn!("the spooled state of `{}` is dropped: it was pushed since", url()),
            Err(error) => {
                log::warn!("an obsolete state of `{}` stays in the spool: {error}", url());
            }
        }
        return Ok(ChangeToSend::own(own, 1));
    }
    let send_count = send_count(&record);
    let spooled = match record.change.in_format(connection.config.format) {
        Ok(spooled) => spooled,
        Err(error) => {
            log::warn!("the spooled state of `{}` is not sent: {error}", url());
            return Ok(ChangeToSend::own(own, 1));
        }
    };
    Ok(ChangeToSend {
        change: merged(Some(spooled), own),
        spooled_created: Some(record.created),
        send_count,
        _lock: Some(lock),
    })
}

/// How often a spooled state has to be sent. An earlier request may still be stuck in the gateway; then
/// the state is sent twice, so that the stuck request does not come last.
fn send_count(record: &Record) -> usize {
    if record.unconfirmed.is_empty() { 1 } else { 2 }
}

fn list_operation() -> Operation<'static> {
    Operation::on_gateway(Verb::List)
}
