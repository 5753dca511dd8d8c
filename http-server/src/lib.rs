//! An HTTP/1.1 server for one [`Handler`]: listeners, limits, timeouts, a graceful stop.
//!
//! The server reads a request wholly, hands it to the handler, and writes the handler's answer.
//! It knows nothing of what is served.
//!
//! Invariants:
//! - Nothing waits without a limit: not for headers, a body, or a reader of an answer.
//! - A handler sees only whole requests; a truncated one is answered 400 here.
//! - A request with both `Content-Length` and `Transfer-Encoding` is answered 400 and its connection closed (RFC 9112, 6.1).
#![forbid(unsafe_code)]

mod server;

mod connection;

mod handler;
mod limits;
mod message;
mod stopper;

mod collect;
mod peer;
mod stream;

mod error;

pub use error::ServeError;
pub use handler::Handler;
pub use limits::Limits;
pub use message::{Request, Response};
pub use peer::Connection;
pub use server::HttpServer;
pub use stopper::Stopper;
