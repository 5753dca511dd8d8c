//! The limits of the store.

use std::time::Duration;

use crate::error::StoreError;
use crate::render::samples::RenderedSamples;

/// How much the store may hold, and for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StoreLimits {
    pub(crate) groups_max: usize,
    pub(crate) series_max: usize,
    /// Limit on the bytes of all samples as text.
    pub(crate) bytes_max: usize,
    /// Lifetime of a group without a [`PUSH_TTL`](prompush_core::PUSH_TTL). `None` if such a group does not expire.
    pub(crate) expiration: Option<Duration>,
}

impl StoreLimits {
    /// # Errors
    ///
    /// [`StoreError::Full`] with the first limit that `usage` exceeds.
    pub(crate) fn check(&self, usage: StoreUsage) -> Result<(), StoreError> {
        let limits = [
            (usage.groups, self.groups_max, "groups"),
            (usage.series, self.series_max, "series"),
            (usage.bytes, self.bytes_max, "bytes of samples"),
        ];
        match limits.into_iter().find(|(used, limit, _)| used > limit) {
            Some((_, limit, unit)) => Err(StoreError::Full { limit, unit }),
            None => Ok(()),
        }
    }
}

/// How much the store holds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct StoreUsage {
    pub(crate) groups: usize,
    pub(crate) series: usize,
    /// Bytes of all samples as text.
    pub(crate) bytes: usize,
}

impl StoreUsage {
    pub(crate) fn add(&mut self, samples: &RenderedSamples) {
        self.series += samples.len();
        self.bytes += samples.text().len();
    }

    pub(crate) fn subtract(&mut self, samples: &RenderedSamples) {
        self.series -= samples.len();
        self.bytes -= samples.text().len();
    }
}
