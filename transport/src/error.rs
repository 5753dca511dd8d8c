//! What can go wrong, in words and in kinds to decide by.

pub(crate) mod answer_text;
pub(crate) mod cause;
pub(crate) mod config;
pub(crate) mod connect_failure;
pub(crate) mod hint;
pub(crate) mod html_page;
pub(crate) mod kind;
pub(crate) mod push_error;
pub(crate) mod redacted_url;
pub(crate) mod spool;
pub(crate) mod verb;
