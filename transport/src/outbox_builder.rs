//! The options of an outbox, and its start.

use std::path::PathBuf;
use std::process;
use std::sync::Arc;
use std::time::Duration;

use crate::background::shared_state::{GatheredGroup, SharedState};
use crate::background::thread::GatewayThread;
use crate::client::gateway::Gateway;
use crate::error::config::ConfigError;
use crate::exchange::config::GatewayConfig;
use crate::metrics::self_metrics::SelfMetrics;
use crate::outbox::Outbox;
use crate::spool::directory::Spool;
use crate::spool::gateway_spool::GatewaySpool;

/// Options of an [`Outbox`]. [`spawn`](Self::spawn) starts it.
#[derive(Debug)]
#[must_use = "nothing is sent before `spawn`"]
pub struct OutboxBuilder {
    /// Never empty.
    urls: Vec<String>,
    config: GatewayConfig,
    shutdown_deadline: Duration,
    spool: Option<PathBuf>,
    /// Whether the live group gets the outbox's own metrics, too.
    pub(crate) self_metrics: bool,
}

impl Outbox {
    /// Begins with the gateway's URL, as for [`Gateway::new`](crate::Gateway::new).
    ///
    /// # Errors
    ///
    /// [`ConfigError::Url`] when it cannot be used.
    pub fn builder(url: &str) -> Result<OutboxBuilder, ConfigError> {
        OutboxBuilder::new(url)
    }
}

impl OutboxBuilder {
    pub(crate) fn new(url: &str) -> Result<Self, ConfigError> {
        Gateway::new(url)?;
        Ok(Self {
            urls: vec![url.to_owned()],
            config: GatewayConfig::default(),
            shutdown_deadline: Duration::from_secs(5),
            spool: None,
            self_metrics: false,
        })
    }

    /// Adds a gateway, which gets the same states, independent of the others' failures. Each is
    /// asked with the credentials of the [`config`](Self::config); where they differ, they belong
    /// into the URLs.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Url`] when `url` cannot be used.
    pub fn gateway(mut self, url: &str) -> Result<Self, ConfigError> {
        Gateway::new(url)?;
        self.urls.push(url.to_owned());
        Ok(self)
    }

    /// Sets the limits of each request and of the waits between retries.
    pub fn config(mut self, config: GatewayConfig) -> Self {
        self.config = config;
        self
    }

    /// Sets how long dropping the outbox may take. Default: 5 s.
    pub fn shutdown_deadline(mut self, deadline: Duration) -> Self {
        self.shutdown_deadline = deadline;
        self
    }

    /// Keeps what is not acknowledged in that directory: when [`flush`](Outbox::flush) or
    /// [`shutdown`](Outbox::shutdown) fails, the state is on disk (fsynced) before it returns, and a
    /// later run sends it, unless the group has been pushed since. One is set, too, for that later
    /// run: an outbox sends at its start what the spool holds for its gateways. A tenth of a second
    /// or two of each deadline is left to writing. Default: nothing is kept.
    pub fn spool(mut self, dir: impl Into<PathBuf>) -> Self {
        self.spool = Some(dir.into());
        self
    }

    /// Starts a thread for each gateway.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when an option or the spool cannot be used, or the system starts no thread.
    pub fn spawn(self) -> Result<Outbox, ConfigError> {
        self.spawn_with(None)
    }

    pub(crate) fn spawn_with(self, gathered: Option<GatheredGroup>) -> Result<Outbox, ConfigError> {
        let mut parts = Vec::new();
        let metrics = SelfMetrics::new(self.urls.len()).map_err(|error| ConfigError::Metric {
            metric: "prompush_push_attempts_total",
            source: Box::new(error),
        })?;
        let gathered = gathered
            .map(|gathered| gathered.with_metrics(self.self_metrics.then(|| metrics.clone())));
        for (gateway, url) in self.urls.iter().enumerate() {
            let connection = Gateway::with_config(url, self.config.clone())?.into_connection();
            let gateway_spool = self
                .spool
                .as_ref()
                .map(|dir| GatewaySpool::new(Spool::new(dir), connection.url.base().to_owned()));
            let gateway_spool =
                gateway_spool.transpose().map_err(|source| ConfigError::Spool { source })?;
            parts.push(SharedState::new(
                connection,
                gathered.clone(),
                gateway_spool,
                (gateway, metrics.clone()),
            ));
        }
        let Some((first, _)) = parts.first() else { return Err(ConfigError::NoGateway) };
        let first = Arc::clone(first);
        let threads =
            parts.into_iter().enumerate().map(|(at, part)| GatewayThread::start(at, part));
        let threads =
            threads.collect::<Result<_, _>>().map_err(|source| ConfigError::Thread { source })?;
        let Self { shutdown_deadline, .. } = self;
        Ok(Outbox { threads, first, gathered, shutdown_deadline, pid: process::id() })
    }
}
