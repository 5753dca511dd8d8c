//! Why a server does not start, or ends.

use std::io;

/// A server that cannot start, or that had to end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
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
