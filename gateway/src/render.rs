//! Rendering turns a parsed push into the bytes that a scrape copies.
//!
//! A push is rendered once, when it arrives. Its samples then have all their labels, those of the group included, and
//! stand in the order of the exposition. A scrape only concatenates them.

pub(crate) mod renderer;
pub(crate) mod samples;

mod metric_labels;
