//! An HTTP host, and the metrics gateway that will run on it.
#![forbid(unsafe_code)]

pub mod host;

mod error;

pub use error::GatewayError;
