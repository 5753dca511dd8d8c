//! What prompush knows of gptme. For now: the environment that gptme's users set.
//!
//! **Invariant:** nothing here opens a socket.
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
mod error;

pub use environment::Environment;
pub use error::EnvironmentError;
