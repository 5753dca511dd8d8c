//! The deeper cause of an error.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::error::answer_text::AnswerText;
use crate::error::connect_failure::ConnectFailure;

/// The deeper cause of an error. It can be cloned, because several callers may wait for the same push.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Cause {
    /// The error text of the gateway.
    #[error("{0}")]
    Answer(AnswerText),
    /// The target of a redirect.
    #[error("it points to `{0}`")]
    Location(String),
    /// A description by this library.
    #[error("{0}")]
    Text(String),
    /// Why no connection was made, with a description by this library.
    #[error("{1}")]
    Connect(ConnectFailure, String),
    /// The error of another library.
    #[error(transparent)]
    Other(Arc<dyn Error + Send + Sync>),
}

impl Cause {
    pub(crate) fn text(text: impl fmt::Display) -> Self {
        Self::Text(text.to_string())
    }

    pub(crate) fn other(error: impl Error + Send + Sync + 'static) -> Self {
        Self::Other(Arc::new(error))
    }
}
