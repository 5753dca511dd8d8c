//! The trait that the user of the server implements.

use crate::connection::Connection;
use crate::request::Request;
use crate::response::Response;

/// Answers the requests that an [`HttpServer`](crate::HttpServer) receives.
pub trait Handler: Send + Sync + 'static {
    /// Answers one request.
    ///
    /// The server calls this method on its own thread if the request is small and not compressed, otherwise on a
    /// blocking thread. So several calls may run at the same time.
    fn handle(&self, request: &Request) -> Response;

    /// Called once for each new connection, before its first request is handled.
    fn connected(&self, _connection: &Connection) {}

    /// Called once for each connection after it has ended. No request of this connection is handled afterwards.
    fn disconnected(&self, _connection: &Connection) {}

    /// Called about once a second, on the server's own thread, for periodic work. It must return quickly, because
    /// the server serves nobody meanwhile.
    fn tick(&self) {}
}
