//! Servers for tests: real ones as child processes, and one that follows a script.
//!
//! - [`Pushgateway`] and [`Prometheus`] start the real programs on free loopback ports and kill them when dropped.
//! - [`Authority`] signs certificates; a [`WebConfig`] makes a Pushgateway require TLS and passwords.
//! - [`ScriptedServer`] follows a script of answers, hangs and closed connections, and records the requests.
//! - [`ModelServer`] replaces a language model and counts the tokens that it served.
//! - [`run_in_blackhole`] runs a test in a network where [`BLACKHOLE`] never answers.
//! - [`in_pid_namespace`] runs a command as the first process of a PID namespace, as a container does.
//! - [`wrap`] makes one command the arguments of another.
//! - [`http::request`] sends one request on one connection, and returns the answer unchanged.
//! - [`KeepAlive`] sends one request after another on a connection that stays open.
//! - [`OtlpClient`] sends OTLP bodies from a process of its own, as gptme does.
//! - [`otlp_body`] writes OTLP bodies field by field; [`otlp_capture`] and [`scrape_capture`] read bodies of real programs.
//! - [`wait_for`] and [`wait_until`] wait on a condition with a time limit, usually [`DEADLINE`].
//!
//! **Invariants.** Everything ends with its handle: children are killed by their process ID, threads are joined,
//! files are removed. Every wait has a time limit. No port is fixed. A failure of the test's own machinery panics,
//! with the log of the server; a result of the code under test is returned as a value.
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
