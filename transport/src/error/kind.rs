//! Why an operation failed, as a kind to decide by.

/// Why it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum PushErrorKind {
    /// The gateway answered with this status, and would answer the same again: not retried.
    #[error("gateway answered {0}")]
    Refused(u16),
    /// The gateway answered 408, 425, 429 or 5xx, and still did when retries were used up.
    #[error("gateway answered {0}")]
    Unavailable(u16),
    /// The gateway answered with a redirect, which is never followed: a followed `PUT` becomes a
    /// `GET` and reports success.
    #[error("gateway answered {0}, a redirect, and those are not followed")]
    Redirected(u16),
    /// A connection was made, but no whole answer came in time.
    #[error("no answer in time")]
    Timeout,
    /// No connection was made: name unknown, refused, or not in time.
    #[error("gateway cannot be reached")]
    Unreachable,
    /// The connection was closed without a whole answer.
    #[error("gateway closed the connection without a whole answer")]
    Dropped,
    /// The TLS handshake failed: not retried.
    #[error("no secure connection can be made")]
    Tls,
    /// Something answered that is not a Pushgateway: not retried.
    #[error("the answer is not one of a Pushgateway")]
    NotAGateway,
    /// The body or the answer is larger than its limit: not retried.
    #[error("too large")]
    TooLarge,
    /// The metrics could not be gathered and encoded: nothing was sent.
    #[error("the metrics cannot be encoded")]
    Encode,
    /// The pusher's thread has ended: nothing was sent.
    #[error("the pusher has ended")]
    Stopped,
    /// The pusher was started before a `fork`, and its thread is in the other process.
    #[error("the pusher's thread is in the process that forked this one")]
    Forked,
}

impl PushErrorKind {
    /// Whether the same request may succeed later: the gateway was unreachable, late or busy.
    ///
    /// The command line ends with 69 for these and with 1 for the others.
    pub fn is_retryable(self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Timeout | Self::Unreachable | Self::Dropped)
    }

    /// The status the gateway answered with, where it answered.
    pub fn status(self) -> Option<u16> {
        match self {
            Self::Refused(status) | Self::Unavailable(status) | Self::Redirected(status) => {
                Some(status)
            }
            _ => None,
        }
    }
}
