//! The options of an outbox, and its start.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::background::{GatewayThread, GatheredGroup, SharedState, ThreadsProcess};
use crate::client::Gateway;
use crate::error::ConfigError;
use crate::exchange::GatewayConfig;
use crate::http::HttpUrl;
use crate::outbox::Outbox;
use crate::self_metrics::SelfMetrics;
use crate::spool::{GatewaySpool, Spool};

/// The options of an [`Outbox`]. [`spawn`](Self::spawn) starts it.
#[derive(Debug)]
#[must_use = "nothing is sent before `spawn`"]
pub struct OutboxBuilder {
    /// Never empty.
    urls: Vec<HttpUrl>,
    config: GatewayConfig,
    shutdown_deadline: Duration,
    spool: Option<PathBuf>,
    /// Whether the gathered group gets the outbox's metrics about itself, too.
    pub(crate) self_metrics: bool,
}

prompush_core::config_setters! {
    OutboxBuilder {
        /// Sets the limits and options of the requests. Default: [`GatewayConfig::default`].
        config: GatewayConfig,
        /// Sets how long dropping the outbox may take. Default: 5 s.
        shutdown_deadline: Duration,
    }
}

impl Outbox {
    /// Begins with the URL of a gateway; see [`HttpUrl::parse`].
    ///
    /// # Errors
    ///
    /// [`ConfigError::Url`] when the URL cannot be used.
    pub fn builder(url: &str) -> Result<OutboxBuilder, ConfigError> {
        Ok(OutboxBuilder {
            urls: vec![HttpUrl::parse(url)?],
            config: GatewayConfig::default(),
            shutdown_deadline: Duration::from_secs(5),
            spool: None,
            self_metrics: false,
        })
    }
}

impl OutboxBuilder {
    /// Adds a gateway. It gets the same changes as the first, and its failures do not affect the others.
    ///
    /// All gateways get the credentials of the [`config`](Self::config). Give credentials in the URLs
    /// when they differ.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Url`] when `url` cannot be used.
    pub fn gateway(mut self, url: &str) -> Result<Self, ConfigError> {
        self.urls.push(HttpUrl::parse(url)?);
        Ok(self)
    }

    /// Sets a directory that keeps what no gateway has acknowledged.
    ///
    /// When [`flush`](Outbox::flush) or [`shutdown`](Outbox::shutdown) fails, the state is on disk
    /// (fsynced) before it returns. A later run sends that state, unless the group has been pushed since.
    /// Set the spool on the later run too: an outbox sends at its start what the spool keeps for its
    /// gateways. A fifth of each deadline, at most 250 ms, is reserved for writing to the spool. Default:
    /// nothing is kept.
    pub fn spool(mut self, dir: impl Into<PathBuf>) -> Self {
        self.spool = Some(dir.into());
        self
    }

    /// Starts one thread for each gateway.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] when an option or the spool cannot be used, or the system starts no thread.
    pub fn spawn(self) -> Result<Outbox, ConfigError> {
        self.spawn_with(None)
    }

    /// As [`spawn`](Self::spawn), with a group that is gathered and pushed regularly.
    pub(crate) fn spawn_with(self, gathered: Option<GatheredGroup>) -> Result<Outbox, ConfigError> {
        let Self { urls, config, shutdown_deadline, spool, self_metrics } = self;
        let metrics = SelfMetrics::new(urls.len()).map_err(|error| ConfigError::Metric {
            metric: "prompush_push_attempts_total",
            source: Box::new(error),
        })?;
        let own_metrics = self_metrics.then(|| metrics.clone());
        let gathered = gathered.map(|gathered| gathered.with_metrics(own_metrics));
        let mut parts = Vec::new();
        for (gateway, url) in urls.into_iter().enumerate() {
            let base = url.base().to_owned();
            let connection = Gateway::at(url, config.clone())?.into_connection();
            let spool = spool.as_ref().map(|dir| GatewaySpool::new(Spool::new(dir), base));
            let spool = spool.transpose().map_err(|source| ConfigError::Spool { source })?;
            let numbered_metrics = (gateway, metrics.clone());
            parts.push(SharedState::new(connection, gathered.clone(), spool, numbered_metrics));
        }
        let Some((first, _)) = parts.first() else { return Err(ConfigError::NoGateway) };
        let first = Arc::clone(first);
        let threads = parts
            .into_iter()
            .enumerate()
            .map(|(gateway, part)| GatewayThread::start(gateway, part));
        let threads =
            threads.collect::<Result<_, _>>().map_err(|source| ConfigError::Thread { source })?;
        Ok(Outbox {
            threads,
            first,
            gathered,
            shutdown_deadline,
            process: ThreadsProcess::current(),
        })
    }
}
