//! Pushes the group of a run on another thread, so that the command never waits for the gateway.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use prompush::{Outbox, PushError, PushErrorKind, Source};
use prompush_core::GroupingKey;

use crate::error::CliError;
use crate::output::error_text::one_line;
use crate::run::destination::Destination;
use crate::run::supervise::Interruption;

/// Time between two checks for an interruption.
const CHECK_INTERVAL: Duration = Duration::from_millis(20);

/// The connection of a run to its group on the gateway.
#[derive(Debug)]
pub(crate) struct Reporter {
    outbox: Arc<Outbox>,
    key: GroupingKey,
}

impl Reporter {
    /// Starts the thread that pushes.
    ///
    /// # Errors
    /// [`CliError::Gateway`] if no thread can be started.
    pub(crate) fn start(destination: Destination, key: GroupingKey) -> Result<Self, CliError> {
        let mut builder = Outbox::builder(&destination.url).map_err(CliError::Gateway)?;
        // `finish` waits for the last push; dropping the outbox must not wait again.
        builder = builder.config(destination.config).shutdown_deadline(Duration::ZERO);
        if let Some(spool) = destination.spool {
            builder = builder.spool(spool);
        }
        let outbox = Arc::new(builder.spawn().map_err(CliError::Gateway)?);
        Ok(Self { outbox, key })
    }

    /// Queues the metrics of the start of the command. Returns at once.
    ///
    /// If the key holds the process ID, the whole group is replaced: all that it can hold was left by an earlier
    /// process with the same ID.
    pub(crate) fn push_start(&self, families: &dyn Source, has_process_id: bool) {
        let queued =
            if has_process_id { self.outbox.push(&self.key, families) } else { self.add(families) };
        queued.ok(); // an error shows again at the last push, which reports it
    }

    /// Queues metric families to be added to the group. Returns at once.
    ///
    /// # Errors
    /// [`PushError`] if two families have the same name.
    pub(crate) fn add(&self, families: &dyn Source) -> Result<(), PushError> {
        self.outbox.add(&self.key, families)
    }

    /// The grouping key.
    pub(crate) fn key(&self) -> &GroupingKey {
        &self.key
    }

    /// Waits until every queued push is acknowledged: at most for `deadline`, and until an interruption.
    pub(crate) fn finish(&self, deadline: Duration, interruption: Interruption<'_>) -> LastPush {
        let (sender, flushed) = channel();
        let flush = {
            let outbox = Arc::clone(&self.outbox);
            move || sender.send(outbox.flush(deadline)).ok()
        };
        if let Err(error) = thread::Builder::new().name("last-push".to_owned()).spawn(flush) {
            return LastPush::Failed(one_line(&error));
        }
        loop {
            match flushed.recv_timeout(CHECK_INTERVAL) {
                Ok(Ok(())) => return LastPush::Acknowledged,
                Ok(Err(error)) => return LastPush::from_error(&error),
                Err(RecvTimeoutError::Disconnected) => {
                    return LastPush::Failed("the thread that pushes has ended".to_owned());
                }
                Err(RecvTimeoutError::Timeout) if interruption.is_requested() => {
                    // A push that is not acknowledged by now goes to the spool, if there is one.
                    self.outbox.flush(Duration::ZERO).ok(); // the caller reports the interruption
                    return LastPush::Interrupted;
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}

/// The result of the last push of a run.
#[derive(Debug)]
pub(crate) enum LastPush {
    /// The gateway acknowledged the last push.
    Acknowledged,
    /// The gateway refuses these metrics and may accept others. The text says why.
    Refused(String),
    /// The gateway cannot be reached, or refuses every push. The text says why.
    Failed(String),
    /// A signal ended the wait.
    Interrupted,
}

impl LastPush {
    fn from_error(error: &PushError) -> Self {
        let why = one_line(error);
        match error.kind() {
            PushErrorKind::Refused(400 | 413 | 422) | PushErrorKind::TooLarge => Self::Refused(why),
            _ => Self::Failed(why),
        }
    }
}
