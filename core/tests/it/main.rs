//! The tests that use only the public API of this crate, in one binary.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod generated_bodies;
mod support;

mod native_histograms;
mod openmetrics_against_python;
mod prometheus_client_bridge;
mod protobuf_against_prometheus;
mod recording;
mod text_against_pushgateway;
