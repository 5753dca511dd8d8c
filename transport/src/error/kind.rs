//! The kinds of failures that a program decides by.

/// Why an operation on a gateway failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum PushErrorKind {
    /// The gateway answered with this status, and would answer the same again. Not retried.
    #[error("gateway answered {0}")]
    Refused(u16),
    /// The gateway answered 408, 425, 429 or 5xx, up to the last attempt.
    #[error("gateway answered {0}")]
    Unavailable(u16),
    /// The gateway answered with a redirect. Redirects are never followed, because a followed `PUT`
    /// becomes a `GET`, whose success means nothing. Not retried.
    #[error("gateway answered {0}, a redirect, and those are not followed")]
    Redirected(u16),
    /// A connection was made, but there was no complete answer in time.
    #[error("no answer in time")]
    Timeout,
    /// No connection was made: the name is unknown, the port is closed, or the host is silent.
    #[error("gateway cannot be reached")]
    Unreachable,
    /// The gateway closed the connection without a complete answer.
    #[error("gateway closed the connection without a whole answer")]
    Dropped,
    /// The TLS handshake failed. Not retried.
    #[error("no secure connection can be made")]
    Tls,
    /// Something other than a Pushgateway answered. Not retried.
    #[error("the answer is not one of a Pushgateway")]
    NotAGateway,
    /// The body or the answer is larger than its limit. Not retried.
    #[error("too large")]
    TooLarge,
    /// The metrics could not be gathered or encoded. Nothing was sent.
    #[error("the metrics cannot be encoded")]
    Encode,
    /// The thread of the pusher or outbox has ended. Nothing was sent.
    #[error("the pusher has ended")]
    Stopped,
    /// The pusher or outbox was started before a `fork`, so its thread is in the parent process. Nothing
    /// was sent.
    #[error("the pusher's thread is in the process that forked this one")]
    Forked,
}

impl PushErrorKind {
    /// Whether the same request may succeed later, because the gateway was unreachable, late or busy.
    ///
    /// The command line exits with 69 for these kinds, and with 1 for the others.
    pub fn is_retryable(self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Timeout | Self::Unreachable | Self::Dropped)
    }

    /// The status of the gateway's answer; `None` when the failure is not about a status.
    pub fn status(self) -> Option<u16> {
        match self {
            Self::Refused(status) | Self::Unavailable(status) | Self::Redirected(status) => {
                Some(status)
            }
            _ => None,
        }
    }
}
