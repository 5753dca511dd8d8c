//! The `prompush` command line.
#![forbid(unsafe_code)]
fn main() {}
