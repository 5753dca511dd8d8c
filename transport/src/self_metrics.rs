//! Metrics about pushing.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use parking_lot::Mutex;
use prompush_core::{
    Buckets, Counter, EncodeError, Encoder, Family, Gauge, Histogram, LabelNames, Registry,
    RegistryError, Source,
};

use crate::exchange::Outcome;

/// The metrics of a [`Pusher`](crate::Pusher) or an [`Outbox`](crate::Outbox) about itself.
///
/// Self-metrics are a [`Source`] like any other. [`PusherBuilder::self_metrics`](crate::PusherBuilder::self_metrics)
/// pushes them along with the metrics of the program; then they describe the time before that push. A clone
/// is a handle to the same metrics.
///
/// | metric | meaning |
/// |---|---|
/// | `prompush_push_attempts_total{outcome}` | requests: `acknowledged`, `failed` (and retried) or `refused` |
/// | `prompush_push_retries_total` | requests that repeat a failed one |
/// | `prompush_push_duration_seconds` | duration of the requests, as a histogram |
/// | `prompush_push_body_bytes` | size of the last body before compression |
/// | `prompush_push_last_success_timestamp_seconds` | Unix time of the last acknowledged request, 0 before the first; with several gateways the earliest of their times |
/// | `prompush_push_spooled_groups` | number of groups that the spool keeps a state of |
#[derive(Clone)]
pub struct SelfMetrics {
    registry: Registry,
    attempts: Family<LabelNames<1>, Counter>,
    retries: Counter,
    duration: Histogram,
    body_bytes: Gauge,
    last_success: Gauge,
    spooled_groups: Gauge,
    /// For each gateway: the Unix time of its last acknowledgement, and the number of its groups in the
    /// spool.
    gateways: Arc<Mutex<Vec<(f64, usize)>>>,
}

impl SelfMetrics {
    pub(crate) fn new(gateways: usize) -> Result<Self, RegistryError> {
        let registry = Registry::new();
        let metrics = Self {
            attempts: registry.counter_family(
                "prompush_push_attempts_total",
                "Requests to gateways, by what became of them.",
                ["outcome"],
            )?,
            retries: registry
                .counter("prompush_push_retries_total", "Requests that repeated a failed one.")?,
            duration: registry.histogram(
                "prompush_push_duration_seconds",
                "Duration of the requests to gateways.",
                Buckets::default(),
            )?,
            body_bytes: registry.gauge(
                "prompush_push_body_bytes",
                "Size of the last body that was pushed, before compression.",
            )?,
            last_success: registry.gauge(
                "prompush_push_last_success_timestamp_seconds",
                "Unix time when a gateway last acknowledged; the longest ago of several gateways.",
            )?,
            spooled_groups: registry.gauge(
                "prompush_push_spooled_groups",
                "Groups of which the spool holds a state for these gateways.",
            )?,
            gateways: Arc::new(Mutex::new(vec![(0.0, 0); gateways])),
            registry,
        };
        for outcome in ["acknowledged", "failed", "refused"] {
            metrics.attempts.with([outcome]);
        }
        Ok(metrics)
    }

    /// Counts a request that has ended. `bytes` is the size of its body before compression.
    pub(crate) fn attempted(&self, outcome: Outcome, is_retry: bool, took: Duration, bytes: usize) {
        let outcome = match outcome {
            Outcome::Acknowledged => "acknowledged",
            Outcome::Failed { .. } => "failed",
            Outcome::Refused => "refused",
        };
        self.attempts.with([outcome]).inc();
        self.retries.inc_by(u64::from(is_retry));
        self.duration.observe(took.as_secs_f64());
        #[expect(clippy::cast_precision_loss, reason = "a body has far fewer than 2^52 bytes")]
        self.body_bytes.set(bytes as f64);
    }

    /// Records that a gateway has acknowledged a request.
    pub(crate) fn acknowledged(&self, gateway: usize, when: SystemTime) {
        let when = when.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        self.update(gateway, |(last, _)| *last = when);
    }

    /// Records how many groups of a gateway the spool keeps a state of.
    pub(crate) fn spooled(&self, gateway: usize, groups: usize) {
        self.update(gateway, |(_, kept)| *kept = groups);
    }

    fn update(&self, gateway: usize, change: impl FnOnce(&mut (f64, usize))) {
        let mut gateways = self.gateways.lock();
        gateways.get_mut(gateway).map(change);
        let longest_ago = gateways.iter().map(|(last, _)| *last).reduce(f64::min);
        self.last_success.set(longest_ago.unwrap_or(0.0));
        let kept: usize = gateways.iter().map(|(_, kept)| kept).sum();
        #[expect(clippy::cast_precision_loss, reason = "there are far fewer than 2^52 groups")]
        self.spooled_groups.set(kept as f64);
    }
}

impl Source for SelfMetrics {
    fn gather(&self, encoder: &mut Encoder) -> Result<(), EncodeError> {
        self.registry.gather(encoder)
    }
}

impl fmt::Debug for SelfMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SelfMetrics").field(&self.registry).finish()
    }
}
