//! How a server is stopped.

use std::sync::Arc;

use tokio::sync::watch;

/// Stops a [`HttpServer`](crate::HttpServer) from any thread.
#[derive(Clone, Debug)]
pub struct Stopper {
    stop: Arc<watch::Sender<bool>>,
}

impl Stopper {
    pub(crate) fn new() -> Self {
        Self { stop: Arc::new(watch::Sender::new(false)) }
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }

    /// Asks the server to end: no more connections, no more requests on open ones.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }
}
