//! One group, kept up to date from one source by a background thread.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use prompush_core::{GroupingKey, Source, push_ttl};

use crate::background::{EndAction, GatheredGroup};
use crate::error::{ConfigError, PushError, with_causes};
use crate::exchange::GatewayConfig;
use crate::group_key::AnyGroupingKey;
use crate::outbox::Outbox;
use crate::outbox_builder::OutboxBuilder;
use crate::self_metrics::SelfMetrics;

/// The end of a group whose pusher ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AtEnd {
    /// The pusher makes a last push. The group stays on the gateway until it is deleted or expires.
    #[default]
    Keep,
    /// The pusher deletes the group instead of pushing it a last time. Metrics that were recorded after
    /// Prometheus last scraped the gateway are lost.
    Delete,
}

/// Pushes a source in the background: at once, then at every interval, and a last time at the end.
///
/// The program only records metrics, and never waits for the gateway. The background thread is called
/// `prompush`. It makes one request at a time, and pushes only the newest state. While the gateway fails,
/// the thread retries with growing, random waits, and logs the first failure and the recovery through the
/// `log` package.
///
/// **When [`flush`](Self::flush) returns `Ok`, the gateway has acknowledged a state at least as new
/// as the one at the call. When it does not, and a [spool directory](PusherBuilder::spool) is set,
/// that state is on disk (fsynced) and a later run sends it, unless the group has been pushed
/// since.** The same is true of `shutdown` and of dropping the pusher. `SIGKILL` or a power cut loses
/// whatever was not yet pushed.
///
/// Dropping the pusher makes the last push too, within 5 s unless
/// [set](PusherBuilder::shutdown_deadline), and logs a failure. A pusher in a `static` is never
/// dropped: call [`shutdown`](Self::shutdown). A thread does not survive a `fork`: start the pusher after
/// it.
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

/// The options of a [`Pusher`]. [`spawn`](Self::spawn) starts it.
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

prompush_core::config_setters! {
    PusherBuilder {
        /// Sets the time between two pushes. Default: 30 s.
        ///
        /// The second push comes after a random part of the interval, and each later push after the
        /// interval, give or take 5 %. So the pushes of many programs that start together spread out.
        interval: Duration,
        /// Sets how long dropping the pusher may take. Default: 5 s.
        shutdown_deadline: Duration,
        /// Sets what happens to the group when the pusher ends. Default: [`AtEnd::Keep`].
        at_end: AtEnd,
    }
}

impl Pusher {
    /// Begins with the URL of the gateway, see [`HttpUrl::parse`](crate::HttpUrl::parse), and the job.
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

    /// Pushes now, and waits until the gateway has acknowledged a state at least as new as the one at
    /// this call, for `deadline` at most. Failed attempts are retried until then.
    ///
    /// # Errors
    ///
    /// [`PushError`] when the gateway refused or did not acknowledge in time. With several gateways the
    /// error is about the first that failed, with the [others](PushError::others) in it. The pusher goes
    /// on in either case.
    pub fn flush(&self, deadline: Duration) -> Result<(), PushError> {
        self.outbox.flush(deadline)
    }

    /// The metrics of the pusher about itself.
    pub fn metrics(&self) -> &SelfMetrics {
        self.outbox.metrics()
    }

    /// Makes the last push, or deletes the group (see [`AtEnd`]), and ends the thread, within `deadline`.
    /// A request without an answer is interrupted at the deadline.
    ///
    /// # Errors
    ///
    /// [`PushError`] when the gateway did not acknowledge. The pusher has ended in either case.
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
    /// Adds a label to the grouping key, such as `instance`. [`spawn`](Self::spawn) reports a label that
    /// cannot be used.
    pub fn group(mut self, name: &str, value: &str) -> Self {
        self.key = self.key.and_then(|key| {
            key.with(name, value).map_err(|source| ConfigError::GroupingKey { source })
        });
        self
    }

    /// Sets the limits and options of the requests. Default: [`GatewayConfig::default`].
    pub fn config(mut self, config: GatewayConfig) -> Self {
        self.outbox = self.outbox.config(config);
        self
    }

    /// Adds a gateway, as [`OutboxBuilder::gateway`] does.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Url`] when `url` cannot be used.
    pub fn gateway(mut self, url: &str) -> Result<Self, ConfigError> {
        self.outbox = self.outbox.gateway(url)?;
        Ok(self)
    }

    /// Sets a directory that keeps the last state if the gateway does not acknowledge it, as
    /// [`OutboxBuilder::spool`] does. Default: nothing is kept.
    pub fn spool(mut self, dir: impl Into<PathBuf>) -> Self {
        self.outbox = self.outbox.spool(dir);
        self
    }

    /// Sets whether the pusher's metrics about itself are pushed along with the source. Default: `false`.
    /// [`Pusher::metrics`] has them in any case.
    pub fn self_metrics(mut self, pushed_along: bool) -> Self {
        self.outbox.self_metrics = pushed_along;
        self
    }

    /// Sets how long the group is good for after its last push. The pusher adds the gauge
    /// `push_ttl_seconds` to the group.
    ///
    /// `prompush gc` and `prompush gateway` delete the group after that time; a stock Pushgateway never
    /// does. Choose several intervals. Default: no such gauge.
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
            return Err(ConfigError::Option { option, value, expected: "more than zero" });
        }
        let mut sources: Vec<Box<dyn Source>> = vec![Box::new(source)];
        sources.extend(self.ttl.map(|ttl| Box::new(push_ttl(ttl)) as Box<dyn Source>));
        let key = AnyGroupingKey::from(&key);
        let gathered = GatheredGroup { key, source: Arc::new(sources), interval: self.interval };
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

    /// A pusher as in the child of a `fork`: its thread runs in another process.
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
            assert!(error.hint().unwrap().to_string().contains("after the `fork`"));
        }
        drop(forked());
    }

    /// A source that panics, because the program has a bug.
    struct Panics;

    impl Source for Panics {
        fn gather(&self, _: &mut prompush_core::Encoder) -> Result<(), prompush_core::EncodeError> {
            panic!("a mistake of the program's own")
        }
    }

    #[test]
    fn a_panic_in_a_source_ends_only_the_pusher() {
        let builder = || Pusher::builder("http://127.0.0.1:1", "x").unwrap();
        // Longer than a test may take, so that a test which waits for it fails.
        let deadline = Duration::from_mins(1);
        let pusher = builder().spawn(Panics).unwrap();
        assert_eq!(pusher.flush(deadline).unwrap_err().kind(), PushErrorKind::Stopped);
        assert_eq!(pusher.shutdown(deadline).unwrap_err().kind(), PushErrorKind::Stopped);
        drop(builder().spawn(Panics).unwrap());
    }
}
