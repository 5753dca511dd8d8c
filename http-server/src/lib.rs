//! An HTTP/1.1 server for one [`Handler`]. Every wait for a client has a limit, and the memory for clients has a
//! limit.
//!
//! [`HttpServer`] accepts connections, reads each request to its end, calls the handler, and writes the handler's
//! [`Response`]. The server does not know what the handler serves.
//!
//! Invariants:
//! - Every wait has a limit: for a request head, for a body, and for a client that reads its response.
//! - The handler receives complete requests only. The server itself answers a truncated request with 400.
//! - A request with both `Content-Length` and `Transfer-Encoding` is answered with 400, and its connection is closed
//!   (RFC 9112, section 6.1).
//!
//! ```
//! use std::io::{Read as _, Write as _};
//!
//! use prompush_http_server::{Handler, HttpServer, Limits, Request, Response};
//!
//! struct Hello;
//!
//! impl Handler for Hello {
//!     fn handle(&self, request: &Request) -> Response {
//!         Response::text(200, format!("hello from {}", request.path()))
//!     }
//! }
//!
//! let server = HttpServer::bind(&["127.0.0.1:0".to_owned()], Limits::default(), Hello)?;
//! let (address, shutdown) = (server.addresses()[0], server.shutdown_handle());
//! let thread = std::thread::spawn(move || server.run());
//!
//! let mut client = std::net::TcpStream::connect(address)?;
//! client.write_all(b"GET /a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
//! let mut response = String::new();
//! client.read_to_string(&mut response)?;
//! assert!(response.starts_with("HTTP/1.1 200 OK\r\n") && response.ends_with("hello from /a"));
//!
//! shutdown.shutdown();
//! thread.join().expect("the server thread does not panic")?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

mod server;
mod shutdown_handle;

mod connection_server;

mod body;
mod body_budget;
mod client_stream;
mod head_recorder;
mod request_head;
mod response_writer;

mod connection;
mod handler;
mod limits;
mod request;
mod response;

pub mod content_coding;

mod error;

pub use connection::Connection;
pub use error::ServeError;
pub use handler::Handler;
pub use limits::Limits;
pub use request::Request;
pub use response::Response;
pub use server::HttpServer;
pub use shutdown_handle::ShutdownHandle;
