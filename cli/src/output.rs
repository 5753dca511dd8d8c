//! Output: data on stdout, messages on stderr.

pub(crate) mod duration;
pub(crate) mod error_text;
pub(crate) mod escape;
pub(crate) mod groups;
pub(crate) mod json;
pub(crate) mod logger;
pub(crate) mod table;
pub(crate) mod terminal;
