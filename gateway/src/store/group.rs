//! One group of the store.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::group_labels::GroupLabels;
use crate::store::series_index::PartIndex;

/// The number of a group. A newer group has a higher number.
pub(crate) type GroupId = u64;

/// One group: its labels, the parts of families that it has, and what decides when it expires.
#[derive(Debug)]
pub(crate) struct StoredGroup {
    pub(crate) labels: GroupLabels,
    /// The group's families by name, with the index of the group's part in each of them. The two families with the
    /// push times are among them.
    pub(crate) parts: BTreeMap<Arc<str>, PartIndex>,
    /// When a push last succeeded, on the monotonic clock.
    pub(crate) last_success: Option<Duration>,
    /// When a push last failed, on the monotonic clock.
    pub(crate) last_failure: Option<Duration>,
    pub(crate) last_push_successful: bool,
    /// The group's [`PUSH_TTL`](prompush_core::PUSH_TTL), in seconds.
    pub(crate) ttl_seconds: Option<f64>,
    /// When the group expires, on the monotonic clock. `None` if it does not expire.
    pub(crate) deadline: Option<Duration>,
}

impl StoredGroup {
    /// A group without families.
    pub(crate) fn new(labels: GroupLabels) -> Self {
        Self {
            labels,
            parts: BTreeMap::new(),
            last_success: None,
            last_failure: None,
            last_push_successful: false,
            ttl_seconds: None,
            deadline: None,
        }
    }

    /// When the group expires: its lifetime after its last success, or after its last failure if no push succeeded.
    /// `default_lifetime` counts if the group has no lifetime of its own.
    pub(crate) fn new_deadline(&self, default_lifetime: Option<Duration>) -> Option<Duration> {
        let lifetime = match self.ttl_seconds {
            // A number of seconds that is too large for a `Duration` means for ever.
            Some(seconds) => Duration::try_from_secs_f64(seconds).ok(),
            None => default_lifetime,
        };
        self.last_success.or(self.last_failure)?.checked_add(lifetime?)
    }
}
