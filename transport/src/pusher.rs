//! The background pusher: a thread that keeps a group on a gateway up to date.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use prompush_core::{GroupingKey, Source, push_ttl};

use crate::background::shared_state::{EndAction, GatheredGroup};
use crate::error::config::ConfigError;
use crate::error::push_error::{PushError, with_causes};
use crate::exchange::config::GatewayConfig;
use crate::metrics::self_metrics::SelfMetrics;
use crate::outbox::Outbox;
use crate::outbox_builder::OutboxBuilder;

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
/// as the one at the call. When it does not, and a [spool directory](PusherBuilder::spool) is set,
/// that state is on disk (fsynced) and a later run sends it, unless the group has been pushed
/// since.** So also for `shutdown` and for dropping. A program that is killed (`SIGKILL`, a power
/// cut) loses what was not yet pushed.
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
    outbox: Outbox,
    at_end: AtEnd,
    shutdown_deadline: Duration,
}

/// Options of a [`Pusher`]. [`spawn`](Self::spawn) starts it.
#[derive(Debug)]
#[must_use = "nothing is pushed before `spawn`"]
pub struct PusherBuilder {
    outbox: OutboxBuilder,
    key: Result<GroupingKey, ConfigError>,
    interval: Duration,
    shutdown_deadline: Duration,
    at_end: AtEnd,
    ttl: Option<Duration>,
}

impl Pusher {
    /// Begins with the gateway's URL, as for [`Gateway::new`](crate::Gateway::new), and the job.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when the URL or the job cannot be used.
    pub fn builder(url: &str, job: &str) -> Result<PusherBuilder, ConfigError> {
        let outbox = Outbox::builder(url)?;
        let key = GroupingKey::new(job).map_err(|source| ConfigError::GroupingKey { source })?;
        Ok(PusherBuilder {
            outbox,
            key: Ok(key),
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
    /// in either case. With several gateways, the error is of the first that failed, with the
    /// [others](PushError::others) in it.
    pub fn flush(&self, deadline: Duration) -> Result<(), PushError> {
        self.outbox.flush(deadline)
    }

    /// Its metrics about itself.
    pub fn metrics(&self) -> &SelfMetrics {
        self.outbox.metrics()
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
        let end_action = match self.at_end {
            AtEnd::Keep => EndAction::Push,
            AtEnd::Delete => EndAction::Delete,
        };
        self.outbox.end(deadline, end_action)
    }
}

impl Drop for Pusher {
    fn drop(&mut self) {
        if let Err(error) = self.end(self.shutdown_deadline) {
            log::error!("{}", with_causes(&error));
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
        self.outbox = self.outbox.config(config);
        self
    }

    /// Adds a gateway, as [`OutboxBuilder::gateway`]: it gets the same states, independent of the
    /// others' failures.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Url`] when `url` cannot be used.
    pub fn gateway(mut self, url: &str) -> Result<Self, ConfigError> {
        self.outbox = self.outbox.gateway(url)?;
        Ok(self)
    }

    /// Keeps what is not acknowledged at the end in that directory; as
    /// [`OutboxBuilder::spool`]. Default: nothing is kept.
    pub fn spool(mut self, dir: impl Into<PathBuf>) -> Self {
        self.outbox = self.outbox.spool(dir);
        self
    }

    /// Says whether the pusher's metrics about itself are pushed along with the source. Default:
    /// `false`; [`Pusher::metrics`] has them in any case.
    pub fn self_metrics(mut self, pushed_along: bool) -> Self {
        self.outbox.self_metrics = pushed_along;
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
        sources.extend(self.ttl.map(|ttl| Box::new(push_ttl(ttl)) as Box<dyn Source>));
        let path = key.to_path().into();
        let gathered = GatheredGroup { path, source: Arc::new(sources), interval: self.interval };
        let outbox = self.outbox.spawn_with(Some(gathered))?;
        let Self { at_end, shutdown_deadline, .. } = self;
        Ok(Pusher { outbox, at_end, shutdown_deadline })
    }
}

#[cfg(test)]
mod tests {
    use prompush_core::Registry;

    use super::*;
    use crate::error::kind::PushErrorKind;

    /// What a pusher looks like in the child of a `fork`: its thread is in another process.
    fn forked() -> Pusher {
        let config = GatewayConfig::default().proxy_from_environment(false);
        let builder = Pusher::builder("http://127.0.0.1:1", "x").unwrap().config(config);
        let mut pusher = builder.spawn(Registry::new()).unwrap();
        pusher.outbox.act_as_if_forked();
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
