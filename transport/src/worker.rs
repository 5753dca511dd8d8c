//! The pusher's thread: a thin loop that does what [`Schedule`] says.

use std::error::Error as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use prompush_core::{Encoder, Source};

use crate::body::EncodedBody;
use crate::error::{Cause, PushError, PushErrorKind, Verb};
use crate::schedule::{Action, Outcome, Schedule};
use crate::send::{Line, Operation, Setback, read_acknowledgement};
use crate::url::RedactedUrl;

/// What the program asks of the thread.
#[derive(Debug)]
pub(crate) enum Command {
    /// Push a state at least as new as this command, and say how it went.
    Flush { until: Instant, reply: Sender<Result<(), PushError>> },
    /// Do the last operation and end.
    End { by: Instant },
}

/// What the thread and its owner both see.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) line: Line,
    /// The group's path.
    pub(crate) path: String,
    /// Why the state is not on the gateway; `None` after an acknowledgement.
    pub(crate) last_failure: Mutex<Option<PushError>>,
}

/// Everything the thread owns.
pub(crate) struct Worker {
    shared: Arc<Shared>,
    source: Box<dyn Source>,
    schedule: Schedule,
    commands: Receiver<Command>,
    /// What the last operation is: the last push, or deleting the group.
    last_verb: Verb,
    encoder: Encoder,
    rng: fastrand::Rng,
    /// Those who wait for the next push to be acknowledged, and until when.
    waiting: Vec<(Instant, Sender<Result<(), PushError>>)>,
    health: Health,
    /// Connections in a row that the gateway closed after a whole body.
    dropped: u32,
    /// Whether the last operation was acknowledged.
    finished: bool,
}

/// How things stand, as far as the log has been told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Health {
    /// Nothing has been said.
    #[default]
    Unknown,
    Good,
    /// Failing in a way that may pass, since then.
    Unavailable(Instant),
    /// Refused for good, since then.
    Refused(Instant),
}

impl Worker {
    /// A thread's work, its first push due at once.
    pub(crate) fn new(
        shared: Arc<Shared>,
        source: Box<dyn Source>,
        interval: Duration,
        last_verb: Verb,
        commands: Receiver<Command>,
    ) -> Self {
        let Line { config, clock, rng, .. } = &shared.line;
        let encoder = Encoder::new(config.format);
        let retry_delay = (config.retry_delay_min, config.retry_delay_max);
        let schedule = Schedule::new(clock.now(), interval, config.attempt_timeout, retry_delay);
        let rng = rng();
        Self {
            shared,
            source,
            schedule,
            commands,
            last_verb,
            encoder,
            rng,
            waiting: Vec::new(),
            health: Health::Unknown,
            dropped: 0,
            finished: false,
        }
    }

    /// Runs until told to end, or until nobody is left to tell it. Returns how the last operation
    /// went.
    pub(crate) fn run(mut self) -> Result<(), PushError> {
        loop {
            while let Ok(command) = self.commands.try_recv() {
                self.obey(command);
            }
            match self.schedule.next_action(self.now()) {
                Action::Push { timeout } => self.attempt(Verb::Push, timeout),
                Action::Last { timeout } => {
                    self.attempt(self.last_verb, timeout);
                    self.finished = self.health == Health::Good;
                }
                Action::Wait(until) => match self.commands.recv_deadline(until) {
                    Ok(command) => self.obey(command),
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => return self.result(),
                },
                Action::End => return self.result(),
            }
        }
    }

    fn result(self) -> Result<(), PushError> {
        if self.finished {
            return Ok(());
        }
        let words = "the pusher was told to end before an answer came";
        Err(self.shared.not_acknowledged(self.last_verb, PushErrorKind::Timeout, words))
    }

    fn now(&self) -> Instant {
        self.shared.line.clock.now()
    }

    fn obey(&mut self, command: Command) {
        let now = self.now();
        match command {
            Command::Flush { until, reply } => {
                self.waiting.push((until, reply));
                self.schedule.flush(now, until);
            }
            Command::End { by } => self.schedule.end(now, by),
        }
    }

    /// One request with the state of now.
    ///
    /// Every flush obeyed before is answered by it, because the state is gathered here.
    fn attempt(&mut self, verb: Verb, timeout: Duration) {
        let result = self.ask(verb, timeout);
        let now = self.now();
        let outcome = match result {
            Ok(()) => {
                self.dropped = 0;
                self.acknowledged(now);
                Outcome::Acknowledged
            }
            Err(Failed { outcome, dropped, error }) => {
                self.dropped = dropped;
                self.failed(now, outcome, *error);
                outcome
            }
        };
        self.schedule.attempted(now, outcome, &mut self.rng);
    }

    fn ask(&mut self, verb: Verb, timeout: Duration) -> Result<(), Failed> {
        let Shared { line, path, .. } = &*self.shared;
        let mut operation = Operation { verb, path, body: None };
        let body = if verb == Verb::Delete {
            None
        } else {
            let body = EncodedBody::encode(&mut self.encoder, self.source.as_ref(), &line.config);
            Some(body.map_err(|(kind, cause)| {
                failed(line, &operation, &Setback::nothing_sent(kind, cause), 0)
            })?)
        };
        operation.body = body.as_ref();
        line.attempt(&operation, timeout, self.dropped, &read_acknowledgement)
            .map(|((), _)| ())
            .map_err(|setback| failed(line, &operation, &setback, 1))
    }

    fn acknowledged(&mut self, now: Instant) {
        *self.last_failure() = None;
        for (_, waiting) in self.waiting.drain(..) {
            waiting.try_send(Ok(())).ok(); // it may have stopped waiting
        }
        let url = self.shared.url();
        match self.health {
            Health::Good => {}
            Health::Unknown => log::debug!("pushing to `{url}`"),
            Health::Unavailable(since) | Health::Refused(since) => {
                let outage = now.saturating_duration_since(since);
                log::info!("pushing to `{url}` works again, after {outage:.1?}");
            }
        }
        self.health = Health::Good;
    }

    fn failed(&mut self, now: Instant, outcome: Outcome, error: PushError) {
        let health = match (outcome, self.health) {
            (Outcome::Refused, Health::Refused(since) | Health::Unavailable(since)) => {
                Health::Refused(since)
            }
            (Outcome::Refused, _) => Health::Refused(now),
            (_, Health::Refused(since) | Health::Unavailable(since)) => Health::Unavailable(since),
            _ => Health::Unavailable(now),
        };
        if health != self.health {
            let next = match health {
                Health::Refused(_) => "trying again at the next interval",
                _ => "trying again, with growing waits",
            };
            log::warn!("{}; {next}", in_full(&error));
        }
        self.health = health;
        for (until, waiting) in std::mem::take(&mut self.waiting) {
            if outcome == Outcome::Refused {
                waiting.try_send(Err(error.clone())).ok(); // it may have stopped waiting
            } else if until > now {
                self.waiting.push((until, waiting));
            }
        }
        *self.last_failure() = Some(error);
    }

    fn last_failure(&self) -> MutexGuard<'_, Option<PushError>> {
        self.shared.last_failure.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An attempt that failed, and what follows.
struct Failed {
    outcome: Outcome,
    /// Connections in a row closed after a whole body.
    dropped: u32,
    error: Box<PushError>,
}

fn failed(line: &Line, operation: &Operation<'_>, setback: &Setback, attempts: u32) -> Failed {
    let outcome = match *setback {
        Setback { retry: true, after, .. } => Outcome::Failed { after },
        _ => Outcome::Refused,
    };
    let error = Box::new(line.error(operation, setback, attempts));
    Failed { outcome, dropped: setback.dropped, error }
}

impl Shared {
    pub(crate) fn url(&self) -> RedactedUrl {
        self.line.url.redacted(&self.path)
    }

    /// Why the state is not acknowledged: the last failure, or else what `kind` and `words` say.
    pub(crate) fn not_acknowledged(
        &self,
        verb: Verb,
        kind: PushErrorKind,
        words: &str,
    ) -> PushError {
        let last = self.last_failure.lock().unwrap_or_else(PoisonError::into_inner).clone();
        last.unwrap_or_else(|| self.error(verb, kind, words))
    }

    pub(crate) fn error(&self, verb: Verb, kind: PushErrorKind, words: &str) -> PushError {
        PushError {
            verb,
            families: None,
            url: self.url(),
            kind,
            attempts: 0,
            cause: (!words.is_empty()).then(|| Cause::text(words)),
        }
    }
}

/// An error with its causes, in one line, for the log.
pub(crate) fn in_full(error: &PushError) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words.push_str(": ");
        words.push_str(&error.to_string());
        cause = error.source();
    }
    words
}
