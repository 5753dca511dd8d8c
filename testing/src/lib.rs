//! Servers for tests: real ones as child processes, and one that misbehaves as told.
//!
//! - [`Pushgateway`] and [`Prometheus`] start the real programs on free loopback ports and kill them when dropped.
//! - [`Authority`] signs certificates for them; a [`WebConfig`] makes a Pushgateway want TLS and passwords.
//! - [`ScriptedServer`] plays a script of answers, hangs and closed connections, and records what it was sent.
//! - [`ModelServer`] stands in for a language model and knows what it served.
//! - [`run_in_blackhole`] runs a test in a network that swallows what is sent to [`BLACKHOLE`].
//! - [`in_pid_namespace`] runs a command as a container runs its first process.
//! - [`wrap`] makes one command the arguments of another.
//! - [`http::request`] is a client that hides nothing: one request, one connection, the answer as it came.
//! - [`KeepAlive`] sends one request after another on a connection that stays open.
//! - [`OtlpClient`] does so from a process of its own, as gptme does.
//! - [`otlp_body`] writes OTLP bodies field by field; [`otlp_capture`] and [`scrape_capture`] are bodies of real programs.
//! - [`wait_for`] and [`wait_until`] wait on a condition, never longer than they were told.
//!
//! **Invariants.** Nothing here outlives its handle: children are killed by pid, threads joined, files removed.
//! Every wait has an end. No port is fixed. What goes wrong in the test's own machinery panics, with the log of
//! the server concerned; what the test is about comes back as a value.
//!
//! ```
//! use prompush_testing::{Answer, ScriptedServer, http};
//!
//! let server = ScriptedServer::start([Answer::status(503).header("Retry-After", "1"), Answer::status(200)]);
//! assert_eq!(http::get(server.address(), "/").expect("an answer").status, 503);
//! assert_eq!(http::get(server.address(), "/").expect("an answer").status, 200);
//! assert_eq!(server.requests().len(), 2);
//! ```
#![forbid(unsafe_code)]

mod binaries;
mod blackhole;
mod captures;
mod certificates;
mod fixtures;
pub mod http;
mod keep_alive;
mod model_server;
pub mod otlp_body;
mod otlp_client;
mod pid_namespace;
mod process;
mod prometheus;
mod pushgateway;
mod recorded_request;
mod scripted_server;
mod waiting;
mod wrapping;

pub use blackhole::{BLACKHOLE, run_in_blackhole};
pub use captures::{otlp_capture, otlp_capture_json, otlp_captures, scrape_capture};
pub use certificates::{Authority, Certified, Leaf};
pub use fixtures::fixtures;
pub use keep_alive::KeepAlive;
pub use model_server::{ModelServer, Served};
pub use otlp_client::{OTLP_HEADERS, OtlpClient};
pub use pid_namespace::in_pid_namespace;
pub use prometheus::Prometheus;
pub use pushgateway::{Pushgateway, Version, WebConfig};
pub use recorded_request::RecordedRequest;
pub use scripted_server::{Answer, ScriptedServer};
pub use waiting::{DEADLINE, free_address, wait_for, wait_until, within};
pub use wrapping::wrap;
