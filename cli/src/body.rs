//! Metrics from files and stdin: reading them, checking them, and showing what is wrong in them.

pub(crate) mod diagnostic;
pub(crate) mod input;
pub(crate) mod parse;
