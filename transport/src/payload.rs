//! The content of a request: metric families, the change of a group that they make, and the body.

pub(crate) mod body;
pub(crate) mod change;
pub(crate) mod families;

pub(crate) use body::{BodyOptions, EncodedBody, gather};
pub(crate) use change::{GroupChange, merged};
pub(crate) use families::{ConvertError, Families};
