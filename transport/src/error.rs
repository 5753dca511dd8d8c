//! Errors: kinds to decide by, texts to read, and hints what to do.

pub(crate) mod answer_text;
pub(crate) mod cause;
pub(crate) mod config;
pub(crate) mod connect_failure;
pub(crate) mod diagnosis;
pub(crate) mod hint;
pub(crate) mod html_page;
pub(crate) mod kind;
pub(crate) mod push_error;
pub(crate) mod redacted_url;
pub(crate) mod spool;
pub(crate) mod verb;

pub(crate) use answer_text::{AnswerText, escape_into};
pub(crate) use cause::Cause;
pub(crate) use config::ConfigError;
pub(crate) use connect_failure::ConnectFailure;
pub(crate) use html_page::is_html;
pub(crate) use kind::PushErrorKind;
pub(crate) use push_error::{PushError, with_causes};
pub(crate) use redacted_url::RedactedUrl;
pub(crate) use spool::{SpoolError, SpoolFault};
pub(crate) use verb::Verb;
