//! The state that all requests share.

use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use prompush_core::clock::Clock;

use crate::clock_reading::ClockReading;
use crate::config::Config;
use crate::own_metrics::OwnMetrics;
use crate::render::renderer::Renderer;
use crate::store::limits::StoreLimits;
use crate::store::metric_store::MetricStore;

/// The state of a gateway.
#[derive(Debug)]
pub(crate) struct GatewayState {
    pub(crate) config: Config,
    clock: Arc<dyn Clock>,
    start: Instant,
    /// When the gateway started.
    pub(crate) started: ClockReading,
    pub(crate) renderer: Renderer,
    pub(crate) store: Mutex<MetricStore>,
    pub(crate) own_metrics: OwnMetrics,
}

impl GatewayState {
    pub(crate) fn new(config: Config, clock: Arc<dyn Clock>) -> Self {
        let limits = StoreLimits {
            groups_max: config.groups_max,
            series_max: config.series_max,
            bytes_max: config.exposition_bytes_max,
            expiration: config.metric_expiration.filter(|lifetime| !lifetime.is_zero()),
        };
        let renderer = Renderer::new(config.exposition_bytes_max);
        let store = Mutex::new(MetricStore::new(limits, renderer.clone()));
        let start = clock.now();
        let started = ClockReading::now(clock.as_ref(), start);
        let own_metrics = OwnMetrics::new();
        Self { config, clock, start, started, renderer, store, own_metrics }
    }

    pub(crate) fn now(&self) -> ClockReading {
        ClockReading::now(self.clock.as_ref(), self.start)
    }
}
