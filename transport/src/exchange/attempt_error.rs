//! An attempt that failed.

use std::time::Duration;

use crate::error::{Cause, PushErrorKind};

/// An attempt that failed.
#[derive(Debug)]
pub(crate) struct AttemptError {
    pub(crate) kind: PushErrorKind,
    pub(crate) cause: Option<Cause>,
    /// Whether the same request may succeed later.
    pub(crate) is_retryable: bool,
    /// How long the gateway asked the client to stay away (`Retry-After`).
    pub(crate) retry_after: Option<Duration>,
    /// How many attempts in a row, this one included, ended in a connection that was closed after the
    /// whole body was sent.
    pub(crate) dropped: u32,
}

impl AttemptError {
    /// An error that was found before the request was made.
    pub(crate) fn nothing_sent(kind: PushErrorKind, cause: Cause) -> Self {
        Self { kind, cause: Some(cause), is_retryable: false, retry_after: None, dropped: 0 }
    }
}
