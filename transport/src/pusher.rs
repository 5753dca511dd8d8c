//! The background pusher: a thread that keeps a group on a gateway up to date.

use std::process;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{
    Receiver, RecvTimeoutError, SendTimeoutError, Sender, at, bounded, select,
};
use prompush_core::{GroupingKey, Registry, Source};

use crate::config::GatewayConfig;
use crate::error::{ConfigError, PushError, PushErrorKind, Verb};
use crate::gateway::Gateway;
use crate::worker::{Command, Shared, Worker, in_full};

/// Name of the pusher's thread, as debuggers and `top -H` show it.
const THREAD_NAME: &str = "prompush";

/// Gauge that tells how long a group is good for after its last push.
const TTL_METRIC: &str = "push_ttl_seconds";

/// Commands that wait for a thread busy with a request; a further one waits for room.
const COMMANDS_MAX: usize = 64;

/// Most of a deadline that the thread leaves to its owner for joining it.
const JOIN_RESERVE: Duration = Duration::from_millis(50);

/// What becomes of the group when its pusher ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AtEnd {
    /// A last push; the group stays on the gateway until somebody deletes it.
    #[default]
    Keep,
    /// The group is deleted instead of pushed a last time. What was recorded since Prometheus last
    /// scraped the gateway is lost.
    Delete,
}

/// Pushes a source in the background: at once, then every interval, and a last time at the end.
///
/// The program only records; it never waits for the gateway. The thread is called `prompush`. Only
/// the newest state is ever pushed, one request at a time. While the gateway fails, the thread tries
/// again with growing, random waits; it logs the first failure and the recovery through the `log`
/// package.
///
/// **When [`flush`](Self::flush) returns `Ok`, the gateway has acknowledged a state at least as new
/// as the one at the call.**
///
/// Dropping the pusher makes the last push too, within a deadline of 5 s unless
/// [set](PusherBuilder::shutdown_deadline), and logs a failure. A pusher in a `static` is never
/// dropped: call [`shutdown`](Self::shutdown). Start it after any `fork`.
///
/// ```no_run
/// use std::time::Duration;
/// use prompush::{Pusher, Registry};
///
/// let registry = Registry::new();
/// let rows = registry.counter("rows_processed_total", "Rows processed.")?;
///
/// let pusher = Pusher::builder("http://localhost:9091", "nightly_import")? // gateway, job
///     .group("instance", "host-1")
///     .interval(Duration::from_secs(30))
///     .spawn(registry.clone())?;
///
/// rows.inc();
///
/// pusher.shutdown(Duration::from_secs(5))?; // the last push; dropping the pusher does the same
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "dropping the pusher ends it"]
pub struct Pusher {
    shared: Arc<Shared>,
    /// `None` once ended.
    thread: Option<PusherThread>,
    last_verb: Verb,
    shutdown_deadline: Duration,
}

#[derive(Debug)]
struct PusherThread {
    handle: JoinHandle<()>,
    commands: Sender<Command>,
    /// How the last operation went, sent as the thread's last deed.
    ended: Receiver<Result<(), PushError>>,
    /// The process that has the thread.
    pid: u32,
}

/// Options of a [`Pusher`]. [`spawn`](Self::spawn) starts it.
#[derive(Debug)]
#[must_use = "nothing is pushed before `spawn`"]
pub struct PusherBuilder {
    url: String,
    key: Result<GroupingKey, ConfigError>,
    config: GatewayConfig,
    interval: Duration,
    shutdown_deadline: Duration,
    at_end: AtEnd,
    ttl: Option<Duration>,
}

impl Pusher {
    /// Begins with the gateway's URL, as for [`Gateway::new`], and the job.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when the URL or the job cannot be used.
    pub fn builder(url: &str, job: &str) -> Result<PusherBuilder, ConfigError> {
        Gateway::new(url)?;
        let key = GroupingKey::new(job).map_err(|source| ConfigError::GroupingKey { source })?;
        Ok(PusherBuilder {
            url: url.to_owned(),
            key: Ok(key),
            config: GatewayConfig::default(),
            interval: Duration::from_secs(30),
            shutdown_deadline: Duration::from_secs(5),
            at_end: AtEnd::default(),
            ttl: None,
        })
    }

    /// Pushes now, and waits until the gateway has acknowledged a state at least as new as the one
    /// at this call, at most for `deadline`. A gateway that fails is tried again until then.
    ///
    /// # Errors
    ///
    /// [`PushError`] when the gateway refused or has not acknowledged in time; the pusher goes on
    /// in either case.
    pub fn flush(&self, deadline: Duration) -> Result<(), PushError> {
        let Some(thread) = &self.thread else { return Err(self.stopped()) };
        self.check_process(thread)?;
        let until = self.shared.line.clock.deadline(deadline);
        let (reply, answer) = bounded(1);
        match thread.commands.send_deadline(Command::Flush { until, reply }, until) {
            Ok(()) => {}
            Err(SendTimeoutError::Timeout(_)) => return Err(self.late(Verb::Push, deadline)),
            Err(SendTimeoutError::Disconnected(_)) => return Err(self.stopped()),
        }
        // A thread that dies leaves the command unread in the channel: its end is watched as well.
        select! {
            recv(answer) -> result => result.unwrap_or_else(|_| Err(self.stopped())),
            recv(thread.ended) -> _ => Err(self.stopped()),
            recv(at(until)) -> _ => Err(self.late(Verb::Push, deadline)),
        }
    }

    /// Makes the last push (or deletes the group, see [`AtEnd`]) and ends the thread, all within
    /// `deadline`. A request that has no answer by then is interrupted and abandoned.
    ///
    /// # Errors
    ///
    /// [`PushError`] when the last push was not acknowledged; the pusher has ended in either case.
    pub fn shutdown(mut self, deadline: Duration) -> Result<(), PushError> {
        self.end(deadline)
    }

    fn end(&mut self, deadline: Duration) -> Result<(), PushError> {
        let Some(thread) = self.thread.take() else { return Ok(()) };
        if let Err(error) = self.check_process(&thread) {
            // The thread and the locks of its channels are in the other process: touch nothing.
            std::mem::forget(thread);
            return Err(error);
        }
        let until = self.shared.line.clock.deadline(deadline);
        let by = until.checked_sub(JOIN_RESERVE.min(deadline / 10)).unwrap_or(until);
        let result = match thread.commands.send_deadline(Command::End { by }, until) {
            Err(SendTimeoutError::Timeout(_)) => Err(RecvTimeoutError::Timeout),
            // A thread that is gone has said how it went, or has panicked.
            Ok(()) | Err(SendTimeoutError::Disconnected(_)) => thread.ended.recv_deadline(until),
        };
        match result {
            Ok(result) => {
                // Nothing is left for the thread to do but to return.
                thread.handle.join().ok();
                result
            }
            Err(RecvTimeoutError::Timeout) => {
                let error = self.late(self.last_verb, deadline);
                self.shared.line.http.interrupt();
                Err(error)
            }
            Err(RecvTimeoutError::Disconnected) => Err(self.stopped()),
        }
    }

    /// A thread does not survive a `fork`: waiting for it would be waiting for ever.
    fn check_process(&self, thread: &PusherThread) -> Result<(), PushError> {
        if thread.pid == process::id() {
            return Ok(());
        }
        let words = format!("it was started by process {}", thread.pid);
        Err(self.shared.error(self.last_verb, PushErrorKind::Forked, &words))
    }

    fn late(&self, verb: Verb, deadline: Duration) -> PushError {
        let words = format!("not acknowledged within {deadline:?}");
        self.shared.not_acknowledged(verb, PushErrorKind::Timeout, &words)
    }

    fn stopped(&self) -> PushError {
        let words = "its thread has ended, by a panic in a source of metrics";
        self.shared.error(self.last_verb, PushErrorKind::Stopped, words)
    }
}

impl Drop for Pusher {
    fn drop(&mut self) {
        if let Err(error) = self.end(self.shutdown_deadline) {
            log::error!("{}", in_full(&error));
        }
    }
}

impl PusherBuilder {
    /// Adds a label to the grouping key, such as `instance`. What is wrong with it is said by
    /// [`spawn`](Self::spawn).
    pub fn group(mut self, name: &str, value: &str) -> Self {
        self.key = self.key.and_then(|key| {
            key.with(name, value).map_err(|source| ConfigError::GroupingKey { source })
        });
        self
    }

    /// Sets the time between two pushes. Default: 30 s. After the first push the next comes after a
    /// random part of it, the others after it, give or take 5 %.
    pub fn interval(mut self, interval: Duration) -> Self {
        self.interval = interval;
        self
    }

    /// Sets the limits of each request and of the waits between retries.
    pub fn config(mut self, config: GatewayConfig) -> Self {
        self.config = config;
        self
    }

    /// Sets how long dropping the pusher may take. Default: 5 s.
    pub fn shutdown_deadline(mut self, deadline: Duration) -> Self {
        self.shutdown_deadline = deadline;
        self
    }

    /// Sets what becomes of the group when the pusher ends. Default: [`AtEnd::Keep`].
    pub fn at_end(mut self, at_end: AtEnd) -> Self {
        self.at_end = at_end;
        self
    }

    /// Says how long the group is good for after its last push, by a gauge `push_ttl_seconds` in
    /// it. `prompush gc` and `prompush gateway` delete it after that; a stock gateway does nothing.
    /// It should be several intervals. Default: no such gauge.
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }

    /// Starts the thread, which pushes `source` at once.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when a grouping label or an option cannot be used, or the system starts no
    /// thread.
    pub fn spawn(self, source: impl Source + 'static) -> Result<Pusher, ConfigError> {
        let key = self.key?;
        if self.interval.is_zero() {
            let (option, value) = ("interval", self.interval);
            return Err(ConfigError::Option { option, value, expected: "more than nothing" });
        }
        let mut sources: Vec<Box<dyn Source>> = vec![Box::new(source)];
        sources.extend(self.ttl.map(ttl_source).transpose()?);
        let line = Gateway::with_config(&self.url, self.config)?.into_line();
        let shared = Arc::new(Shared { line, path: key.to_path(), last_failure: Mutex::default() });
        let last_verb = match self.at_end {
            AtEnd::Keep => Verb::Push,
            AtEnd::Delete => Verb::Delete,
        };
        let (commands, receiver) = bounded(COMMANDS_MAX);
        let (report, ended) = bounded(1);
        let worker =
            Worker::new(Arc::clone(&shared), Box::new(sources), self.interval, last_verb, receiver);
        let handle = thread::Builder::new()
            .name(THREAD_NAME.to_owned())
            .spawn(move || {
                let result = worker.run();
                report.try_send(result).ok(); // its owner may have stopped waiting
            })
            .map_err(|source| ConfigError::Thread { source })?;
        let thread = PusherThread { handle, commands, ended, pid: process::id() };
        let shutdown_deadline = self.shutdown_deadline;
        Ok(Pusher { shared, thread: Some(thread), last_verb, shutdown_deadline })
    }
}

fn ttl_source(ttl: Duration) -> Result<Box<dyn Source>, ConfigError> {
    let registry = Registry::new();
    let help = "Seconds that this group is good for after its last push.";
    let gauge = registry
        .gauge(TTL_METRIC, help)
        .map_err(|source| ConfigError::Metric { metric: TTL_METRIC, source: Box::new(source) })?;
    gauge.set(ttl.as_secs_f64());
    Ok(Box::new(registry))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a pusher looks like in the child of a `fork`: its thread is in another process.
    fn forked() -> Pusher {
        let config = GatewayConfig::default().proxy_from_environment(false);
        let builder = Pusher::builder("http://127.0.0.1:1", "x").unwrap().config(config);
        let mut pusher = builder.spawn(Registry::new()).unwrap();
        if let Some(thread) = &mut pusher.thread {
            thread.pid = thread.pid.wrapping_add(1);
        }
        pusher
    }

    #[test]
    fn after_a_fork_nothing_waits() {
        let deadline = Duration::from_hours(1);
        for error in
            [forked().flush(deadline).unwrap_err(), forked().shutdown(deadline).unwrap_err()]
        {
            assert_eq!(error.kind(), PushErrorKind::Forked);
            assert!(error.hint().unwrap().contains("after the `fork`"));
        }
        drop(forked());
    }

    /// A source whose program made a mistake.
    struct Panics;

    impl Source for Panics {
        fn gather(&self, _: &mut prompush_core::Encoder) -> Result<(), prompush_core::EncodeError> {
            panic!("a mistake of the program's own")
        }
    }

    #[test]
    fn a_source_that_panics_ends_the_pusher_and_nothing_else() {
        let builder = || Pusher::builder("http://127.0.0.1:1", "x").unwrap();
        // Less than the test may take, so that waiting for it shows.
        let deadline = Duration::from_mins(1);
        let pusher = builder().spawn(Panics).unwrap();
        assert_eq!(pusher.flush(deadline).unwrap_err().kind(), PushErrorKind::Stopped);
        assert_eq!(pusher.shutdown(deadline).unwrap_err().kind(), PushErrorKind::Stopped);
        drop(builder().spawn(Panics).unwrap());
    }
}
