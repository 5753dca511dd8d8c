//! What prompush knows of gptme: the environment that its users set, and how what it exports
//! becomes the samples to push.
//!
//! - [`Environment`] reads gptme's variables and ours; [`is_gptme`] knows gptme's command lines.
//! - [`otlp::Export`] reads a body of OTLP, an [`Instance`] is what one program has exported so
//!   far, and [`Rules`] say what becomes a series.
//! - [`scrape::merge`] makes a strict exposition of what gptme up to 0.28 and gptme-server show.
//! - [`telemetry::Telemetry`] records the same metrics in an agent written in Rust.
//!
//! - `receiver`, with the feature `serve`, receives OTLP over HTTP and keeps an instance a process.
//!
//! **Invariants.** Bytes in, samples out: nothing here opens a socket, but for what the feature
//! `serve` serves. No body takes more memory
//! than it has bytes, none panics.
//!
//! ```
//! use prompush_gptme::Environment;
//!
//! let environment = Environment::from_lookup(|name| match name {
//!     "PUSHGATEWAY_URL" => Some("http://192.168.1.65:9091".into()),
//!     "GPTME_TELEMETRY_ENABLED" => Some("true".into()),
//!     _ => None,
//! })?;
//! assert!(environment.telemetry_enabled);
//! assert_eq!(environment.prometheus_port, 8000);
//! # Ok::<(), prompush_gptme::EnvironmentError>(())
//! ```
#![forbid(unsafe_code)]

mod environment;

mod command;

mod names;
pub mod otlp;
mod sample_names;

mod rules;

mod instance;
mod tokens;

pub mod scrape;

mod instance_name;
mod port_holder;
pub mod telemetry;

#[cfg(feature = "serve")]
pub mod receiver;

mod error;

pub use command::is_gptme;
pub use environment::Environment;
pub use error::{EnvironmentError, OtlpError, RulesError, ScrapeError, TelemetryError};
pub use instance::{Absorbed, DropCause, Dropped, Instance};
pub use instance_name::instance_name;
pub use port_holder::PortHolder;
pub use rules::Rules;
pub use telemetry::Telemetry;
