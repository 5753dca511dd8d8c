//! What a request carries: metric families, and the change of a group that they stand for.

pub(crate) mod body;
pub(crate) mod change;
pub(crate) mod families;
