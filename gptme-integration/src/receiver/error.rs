//! Why a receiver does not start.

use std::io;

use prompush::{ConfigError, RegistryError};
use prompush_http_server::ServeError;

use crate::port_holder::PortHolder;

/// A receiver that cannot be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiverError {
    /// The address cannot be listened on.
    #[error("cannot listen on `{address}` for OTLP{}", in_words(holder.as_ref()))]
    Listen {
        /// The address as it was given.
        address: String,
        /// Who listens there already, where that can be told.
        holder: Option<PortHolder>,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The HTTP host cannot be started.
    #[error("cannot serve OTLP")]
    Host(#[source] ServeError),
    /// A limit of the way to the target of the traces makes no sense.
    #[error("cannot forward traces")]
    Config(#[source] ConfigError),
    /// The system starts no thread.
    #[error("cannot start a thread of the receiver")]
    Thread(#[source] io::Error),
    /// The receiver's own metrics cannot be registered.
    #[error("cannot register the receiver's own metrics")]
    Metrics(#[source] RegistryError),
}

fn in_words(holder: Option<&PortHolder>) -> String {
    holder.map(|holder| format!(": {holder} listens there")).unwrap_or_default()
}
