//! The request that a handler receives.

use std::net::SocketAddr;

use hyper::body::Bytes;
use hyper::http::request::Parts;

use crate::connection::Connection;

/// A complete request: head and body.
#[derive(Debug)]
pub struct Request {
    parts: Parts,
    body: Bytes,
    connection: Connection,
}

impl Request {
    pub(crate) fn new(parts: Parts, body: Bytes, connection: Connection) -> Self {
        Self { parts, body, connection }
    }

    /// The connection on which the request arrived.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The address of the client.
    pub fn peer(&self) -> SocketAddr {
        self.connection.peer()
    }

    /// The method as sent. Methods are case-sensitive.
    pub fn method(&self) -> &str {
        self.parts.method.as_str()
    }

    /// The path as sent, still percent-encoded. It is `*` for a request in asterisk form (RFC 9112, section 3.2.4).
    pub fn path(&self) -> &str {
        self.parts.uri.path()
    }

    /// The query: everything after the `?` of the target, as sent. `None` if there is no `?`.
    pub fn query(&self) -> Option<&str> {
        self.parts.uri.query()
    }

    /// Scheme and authority of a request in absolute form, such as `http://gw:9091`. `None` for other forms.
    pub fn origin(&self) -> Option<String> {
        let authority = self.parts.uri.authority()?;
        let scheme = self.parts.uri.scheme_str().unwrap_or("http");
        Some(format!("{scheme}://{authority}"))
    }

    /// The value of the first header with that name. `None` if there is no such header, or if its value is not
    /// visible ASCII. `name` may be in any letter case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.parts.headers.get(name)?.to_str().ok()
    }

    /// The values of all headers with that name, in the order sent. A value that is not visible ASCII is left out.
    pub fn headers<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.parts.headers.get_all(name).iter().filter_map(|value| value.to_str().ok())
    }

    /// The names and values of all headers. Names are in lower case. Headers are in the order sent, except that
    /// headers of the same name stand together. A header whose value is not visible ASCII is left out.
    pub fn all_headers(&self) -> impl Iterator<Item = (&str, &str)> {
        let headers = self.parts.headers.iter();
        headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
    }

    /// The body as sent. It may be compressed: see [`content_coding::decode`](crate::content_coding::decode).
    pub fn body(&self) -> &[u8] {
        &self.body
    }
}
