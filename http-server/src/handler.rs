//! What a server serves.

use crate::message::{Request, Response};
use crate::peer::Connection;

/// Answers the requests of an [`HttpServer`](crate::HttpServer).
pub trait Handler: Send + Sync + 'static {
    /// Answers a request. Called on the runtime's thread for small requests and
    /// on a blocking thread for large ones, so possibly several times at once.
    fn handle(&self, request: &Request) -> Response;

    /// Called when a client has connected, before its first request.
    fn connected(&self, _connection: &Connection) {}

    /// Called when a connection has ended: every request on it is answered, or never will be.
    fn disconnected(&self, _connection: &Connection) {}

    /// Called about once a second, between requests.
    fn housekeep(&self) {}
}
