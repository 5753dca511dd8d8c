//! The tests of `prompush` from outside, against real and misbehaving gateways.

mod support;

mod deadlines;
mod deletion;
mod error_texts;
mod faults;
mod gateways;
mod http_client;
mod killed;
mod log;
mod outbox;
#[cfg(all(feature = "process", target_os = "linux"))]
mod process_metrics;
mod pusher;
mod secrets;
mod self_metrics;
mod spool;
mod tls;
