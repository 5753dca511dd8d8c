//! Metrics from files and stdin: reading them, and finding what is wrong with them.

pub(crate) mod analysis;
pub(crate) mod input;
pub(crate) mod lint;
