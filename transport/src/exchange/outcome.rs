//! How an attempt went.

use std::time::Duration;

/// How an attempt went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Acknowledged,
    /// It may succeed later; not before `after`, if the gateway said so.
    Failed {
        retry_after: Option<Duration>,
    },
    /// It would fail the same way again.
    Refused,
}
