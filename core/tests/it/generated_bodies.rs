//! Generated bodies: expositions as client libraries print them, from a seed. In some of them a
//! part of the text is changed.

pub(crate) mod openmetrics;
pub(crate) mod text;
mod values;
