//! The content of a request: metric families, the change of a group that they make, and the body.

pub(crate) mod body;
pub(crate) mod change_merge;
pub(crate) mod families;

pub(crate) use body::{BodyOptions, EncodedBody, gather};
pub(crate) use change_merge::{GroupChange, merged};
pub(crate) use families::{ConvertError, Families};
