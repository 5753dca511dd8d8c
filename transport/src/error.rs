//! What can go wrong, in words and in kinds to decide by.

pub(crate) mod answer_text;
pub(crate) mod config;
pub(crate) mod connect_failure;
pub(crate) mod hint;
pub(crate) mod push_error;
pub(crate) mod spool;

pub use config::ConfigError;
pub use push_error::{PushError, PushErrorKind, Verb};
pub use spool::{SpoolError, SpoolFault};

pub(crate) use push_error::{Cause, with_causes};
