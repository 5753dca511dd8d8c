//! A metrics gateway that speaks the API of the Prometheus Pushgateway 1.11, in memory, without its faults.
//!
//! A push is parsed, checked and rendered once; a scrape copies the rendered bytes.
//! Whether a push is consistent with what is stored is decided in time proportional to the push.
//!
//! Invariants:
//! - An answer of 200 or 202 to a push means that the next scrape shows it.
//! - No push, accepted or refused, makes a later scrape fail.
//! - No group is shown after its expiry.
//!
//! ```no_run
//! use prompush_gateway::{Config, Server};
//!
//! let mut config = Config::default();
//! config.listen = vec!["127.0.0.1:0".to_owned()];
//! let server = Server::bind(config)?;
//! let handle = server.handle(); // stops it from another thread
//! server.run()?;
//! # drop(handle);
//! # Ok::<(), prompush_gateway::GatewayError>(())
//! ```
#![forbid(unsafe_code)]

mod config;
mod server;

mod moment;

mod api;
mod body;
mod error;
mod exposition;
mod group_key;
mod number;
mod own_metrics;
mod page;
mod render;
mod route;
mod service;
mod store;

pub use config::Config;
pub use error::GatewayError;
pub use prompush_http_server::ServeError;
pub use server::{Handle, Server};
