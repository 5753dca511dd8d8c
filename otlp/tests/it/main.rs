//! The tests of decoding, accounting, rules and scraped text, and of the receiver with real sockets
//! and with clients that are processes of their own.
#![forbid(unsafe_code)]
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

mod hostile_bodies;
mod instance;
mod scrape;

#[cfg(feature = "serve")]
mod otlp_client;
#[cfg(feature = "serve")]
mod receiver_answers;
#[cfg(feature = "serve")]
mod receiver_instances;
#[cfg(feature = "serve")]
mod receiver_traces;
