//! What can go wrong before or while the server runs.

use std::io;

/// Why the gateway did not start, or ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GatewayError {
    /// There is nothing to listen on.
    #[error("no address to listen on")]
    NoAddress,
    /// An address cannot be parsed or resolved, or is in use, or not ours to use.
    #[error("cannot listen on `{address}`")]
    Listen {
        /// The address as configured.
        address: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The runtime, its timer or its sockets could not be set up.
    #[error("cannot set up the server")]
    Runtime(#[source] io::Error),
}
