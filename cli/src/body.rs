//! Metrics from files and stdin: reading them, and finding what is wrong with them.

pub(crate) mod diagnostics;
pub(crate) mod input;
