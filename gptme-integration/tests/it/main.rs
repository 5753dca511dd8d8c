//! The tests of gptme's contract: real captures of gptme against its rules and names, the recorder
//! for Rust agents, and the documentation.
#![forbid(unsafe_code)]
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

mod docs;
mod otlp_captures;
mod rules;
mod scrape;
mod telemetry;
