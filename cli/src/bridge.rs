//! What `prompush bridge` consists of.

pub(crate) mod options;
pub(crate) mod publisher;
