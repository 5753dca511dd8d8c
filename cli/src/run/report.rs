//! Gets what is known of a run to the gateway, without the command waiting for it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use prompush::{GatewayConfig, Outbox, PushError, PushErrorKind, Source};
use prompush_core::GroupingKey;

use crate::error::CliError;
use crate::run::signals::Signals;

/// Time between two looks at whether somebody has lost patience.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// Where to push, before it is known to which group.
#[derive(Debug)]
pub(crate) struct Target {
    /// May hold credentials: not to be shown.
    pub(crate) url: String,
    /// The same, without them.
    pub(crate) shown: String,
    pub(crate) config: GatewayConfig,
    /// Where to keep what the gateway did not take.
    pub(crate) spool: Option<PathBuf>,
}

/// The one group of a run on its gateway.
#[derive(Debug)]
pub(crate) struct Reporter {
    outbox: Arc<Outbox>,
    key: GroupingKey,
}

impl Reporter {
    /// # Errors
    /// If no thread can be started.
    pub(crate) fn start(target: Target, key: GroupingKey) -> Result<Self, CliError> {
        let mut builder = Outbox::builder(&target.url).map_err(CliError::Gateway)?;
        // Nobody waits for it when all is said.
        builder = builder.config(target.config).shutdown_deadline(Duration::ZERO);
        if let Some(spool) = target.spool {
            builder = builder.spool(spool);
        }
        let outbox = Arc::new(builder.spawn().map_err(CliError::Gateway)?);
        Ok(Self { outbox, key })
    }

    /// Hands over the first families. A group of this process alone has nothing in it yet but what an earlier process of
    /// the same ID has left: that is replaced.
    pub(crate) fn start_with(&self, state: &dyn Source, is_of_this_process: bool) {
        let handed_over =
            if is_of_this_process { self.outbox.push(&self.key, state) } else { self.add(state) };
        handed_over.ok(); // what is wrong is said after the last push
    }

    /// Hands over families to add to the group; returns at once.
    ///
    /// # Errors
    /// If they do not go together.
    pub(crate) fn add(&self, state: &dyn Source) -> Result<(), PushError> {
        self.outbox.add(&self.key, state)
    }

    /// The group.
    pub(crate) fn key(&self) -> &GroupingKey {
        &self.key
    }

    /// Waits until all is sent, at most for `deadline`, and no longer than until a signal says to end.
    pub(crate) fn finish(&self, deadline: Duration, signals: &Signals) -> Outcome {
        let (sender, flushed) = channel();
        let flush = {
            let outbox = Arc::clone(&self.outbox);
            move || sender.send(outbox.flush(deadline)).ok()
        };
        if let Err(error) = thread::Builder::new().name("last-push".to_owned()).spawn(flush) {
            return Outcome::Failed(in_one_line(&error));
        }
        loop {
            match flushed.recv_timeout(LOOK_INTERVAL) {
                Ok(Ok(())) => return Outcome::Pushed,
                Ok(Err(error)) => return Outcome::of(&error),
                Err(RecvTimeoutError::Disconnected) => {
                    return Outcome::Failed("the thread that pushes has ended".to_owned());
                }
                Err(RecvTimeoutError::Timeout) if signals.is_told_to_end() => {
                    // What is not acknowledged by now goes to the spool, if there is one.
                    self.outbox.flush(Duration::ZERO).ok(); // nobody wants to know
                    return Outcome::Interrupted;
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}

/// What has become of the last state.
#[derive(Debug)]
pub(crate) enum Outcome {
    Pushed,
    /// The gateway does not take these metrics, and may take others; in words.
    Refused(String),
    /// In words.
    Failed(String),
    Interrupted,
}

impl Outcome {
    fn of(error: &PushError) -> Self {
        let why = in_one_line(error);
        match error.kind() {
            PushErrorKind::Refused(400 | 413 | 422) | PushErrorKind::TooLarge => Self::Refused(why),
            _ => Self::Failed(why),
        }
    }
}

/// An error with its causes.
pub(crate) fn in_one_line(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |error| error.source());
    causes.fold(error.to_string(), |words, cause| format!("{words}: {cause}")).replace('\n', " ")
}

#[expect(clippy::disallowed_methods, reason = "a command runs in real time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
