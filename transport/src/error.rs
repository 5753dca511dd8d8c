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
