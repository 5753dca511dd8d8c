//! An attempt that failed.

use std::time::Duration;

use crate::error::cause::Cause;
use crate::error::kind::PushErrorKind;

/// An attempt that failed.
#[derive(Debug)]
pub(crate) struct AttemptError {
    pub(crate) kind: PushErrorKind,
    pub(crate) cause: Option<Cause>,
    /// Whether the same request may succeed later.
    pub(crate) is_retryable: bool,
    /// How long the gateway asked to be left alone.
    pub(crate) retry_after: Option<Duration>,
    /// Connections in a row closed after a whole body, this one included.
    pub(crate) dropped: u32,
}

impl AttemptError {
    /// The request was never made.
    pub(crate) fn nothing_sent(kind: PushErrorKind, cause: Cause) -> Self {
        Self { kind, cause: Some(cause), is_retryable: false, retry_after: None, dropped: 0 }
    }
}
