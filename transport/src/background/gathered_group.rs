//! The group that a background thread gathers from a source again and again.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use prompush_core::Source;

use crate::error::Verb;
use crate::group_key::AnyGroupingKey;
use crate::self_metrics::SelfMetrics;

/// A group whose state is gathered from a source for each push.
#[derive(Clone)]
pub(crate) struct GatheredGroup {
    pub(crate) key: AnyGroupingKey,
    pub(crate) source: Arc<dyn Source>,
    /// The time between two regular pushes.
    pub(crate) interval: Duration,
}

/// The last operation on the gathered group, when its pusher ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EndAction {
    Push,
    Delete,
}

impl GatheredGroup {
    /// Adds the pusher's metrics about itself to those of the source.
    pub(crate) fn with_metrics(self, metrics: Option<SelfMetrics>) -> Self {
        let Some(metrics) = metrics else { return self };
        Self { source: Arc::new((self.source, metrics)), ..self }
    }
}

impl EndAction {
    pub(crate) fn verb(self) -> Verb {
        match self {
            Self::Push => Verb::Push,
            Self::Delete => Verb::Delete,
        }
    }
}

impl fmt::Debug for GatheredGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GatheredGroup").field("key", &self.key).finish_non_exhaustive()
    }
}
