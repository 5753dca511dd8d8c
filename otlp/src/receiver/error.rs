//! The error of a receiver that cannot be started.

use std::io;

use prompush::{ConfigError, RegistryError};
use prompush_http_server::ServeError;

use crate::receiver::port_holder::PortHolder;

/// A receiver or scraper cannot be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiverError {
    /// The address cannot be bound.
    #[error("cannot listen on `{address}` for OTLP{}", holder_text(holder.as_ref()))]
    Listen {
        /// The address as it was given.
        address: String,
        /// The process that listens there already; `None` when it is not known.
        holder: Option<PortHolder>,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// The HTTP server cannot be started.
    #[error("cannot serve OTLP")]
    Serve(#[source] ServeError),
    /// The configuration of the HTTP client that forwards traces or scrapes is invalid.
    #[error("cannot set up the HTTP client for traces or scrapes")]
    Config(#[source] ConfigError),
    /// The system refuses to start a thread.
    #[error("cannot start a thread of the receiver")]
    Thread(#[source] io::Error),
    /// The receiver's own metrics cannot be registered.
    #[error("cannot register the receiver's own metrics")]
    Metrics(#[source] RegistryError),
}

fn holder_text(holder: Option<&PortHolder>) -> String {
    holder.map(|holder| format!(": {holder} listens there")).unwrap_or_default()
}
