//! The error of a server that cannot start or cannot continue.

use std::io;

/// Why a server did not start, or why it ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The list of addresses is empty.
    #[error("no address to listen on")]
    NoAddress,
    /// The address cannot be parsed or resolved, is in use, or may not be used by this process.
    #[error("cannot listen on `{address}`")]
    Listen {
        /// The address as configured.
        address: String,
        /// The error of the operating system.
        #[source]
        source: io::Error,
    },
    /// The async runtime cannot be set up, or a listener cannot be registered with it.
    #[error("cannot set up the server")]
    Runtime(#[source] io::Error),
}
