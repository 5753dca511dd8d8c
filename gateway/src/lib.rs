//! A metrics gateway with the API of the Prometheus Pushgateway 1.11, in memory, without the faults of the original.
//!
//! [`Server`] checks and renders each push once, when the push arrives. A scrape then only copies the rendered bytes.
//! The check of a push takes time in proportion to the push, however many groups there are.
//!
//! Invariants:
//! - When a push is answered with 200 or 202, the next scrape shows it.
//! - No push makes a later scrape fail, whether the push is accepted or refused.
//! - No response shows a group that has expired.
//!
//! ```no_run
//! use prompush_gateway::{Config, Server};
//!
//! let mut config = Config::default();
//! config.listen = vec!["127.0.0.1:0".to_owned()];
//! let server = Server::bind(config)?;
//! let shutdown = server.shutdown_handle(); // Shuts the server down from another thread.
//! server.run()?;
//! # drop(shutdown);
//! # Ok::<(), prompush_gateway::GatewayError>(())
//! ```
#![forbid(unsafe_code)]

mod config;
mod server;

mod routes;
mod state;

mod views;

mod store;

mod render;

mod own_metrics;

mod clock_reading;
mod group_labels;
mod log_text;
mod text_format;

mod error;

pub use config::Config;
pub use error::GatewayError;
pub use prompush_http_server::{Limits, ServeError, ShutdownHandle};
pub use server::Server;
