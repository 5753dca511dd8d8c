//! The outcome of an attempt, as far as it decides what comes next.

use std::time::Duration;

/// The outcome of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Acknowledged,
    /// The same request may succeed later.
    Failed {
        /// How long the gateway asked the client to stay away.
        retry_after: Option<Duration>,
    },
    /// The same request would fail in the same way again.
    Refused,
}
