//! gptme's telemetry: its environment, its command lines, its rules, and a recorder of its metrics.
//!
//! - [`Environment`] reads gptme's environment variables and prompush's own.
//! - [`is_gptme`] recognizes command lines that run gptme.
//! - [`default_rules`] are the cardinality rules for gptme's metrics.
//! - [`Telemetry`] records the same metrics in an agent written in Rust.
//!
//! Receiving and translating gptme's telemetry is the work of `prompush-otlp`.
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

mod command_line;

mod rules;

mod instance_name;
pub mod telemetry;

mod error;

pub use command_line::is_gptme;
pub use environment::Environment;
pub use error::{EnvironmentError, TelemetryError};
pub use instance_name::instance_name;
pub use rules::{RULES_TEXT, SCRAPE_PATHS, TOKENS, default_rules};
pub use telemetry::Telemetry;
