//! The deeper cause of an error.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::error::answer_text::AnswerText;
use crate::error::connect_failure::ConnectFailure;

/// The deeper cause of a [`PushError`]. It can be cloned, because several callers may wait for the
/// same push.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Cause {
    /// What the gateway's answer said.
    #[error("{0}")]
    Said(AnswerText),
    /// Where a redirect points to.
    #[error("it points to `{0}`")]
    Location(String),
    /// Our own words.
    #[error("{0}")]
    Text(String),
    /// Our own words, for what has a hint of its own.
    #[error("{1}")]
    Known(ConnectFailure, String),
    /// What another library says.
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
