//! The reference documentation, written from the code that defines what it describes.
//!
//! `cargo xtask codegen` stores the pages as `docs/cli.md` and `docs/metrics.md`.

pub(crate) mod cli;
pub(crate) mod metrics;
