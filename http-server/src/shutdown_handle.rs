//! The handle that shuts a server down.

use std::sync::Arc;

use tokio::sync::watch;

/// Shuts an [`HttpServer`](crate::HttpServer) down from any thread. Clones belong to the same server.
#[derive(Clone, Debug)]
pub struct ShutdownHandle {
    requested: Arc<watch::Sender<bool>>,
}

impl ShutdownHandle {
    pub(crate) fn new() -> Self {
        Self { requested: Arc::new(watch::Sender::new(false)) }
    }

    /// A receiver that changes to `true` when a shutdown is requested.
    pub(crate) fn subscribe(&self) -> watch::Receiver<bool> {
        self.requested.subscribe()
    }

    /// Asks the server to end, and returns at once.
    ///
    /// From then on the server accepts no connection and reads no request. [`HttpServer::run`](crate::HttpServer::run)
    /// returns when all requests in flight are answered, but no later than
    /// [`Limits::shutdown_timeout`](crate::Limits::shutdown_timeout) after this call. A shutdown that is requested
    /// before `run` is called takes effect when `run` starts.
    pub fn shutdown(&self) {
        self.requested.send_replace(true);
    }
}
