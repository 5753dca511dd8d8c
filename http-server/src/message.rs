//! A request as the handler sees it, and its answer.

use std::net::SocketAddr;

use hyper::body::Bytes;
use hyper::http::request::Parts;

use crate::peer::Connection;

/// A whole request.
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

    /// The connection it came on.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// The client's address.
    pub fn peer(&self) -> SocketAddr {
        self.connection.peer()
    }

    /// The method as sent: methods are case-sensitive.
    pub fn method(&self) -> &str {
        self.parts.method.as_str()
    }

    /// The path as sent, still percent-encoded; `*` for the asterisk form.
    pub fn path(&self) -> &str {
        self.parts.uri.path()
    }

    /// What stands after the `?`, if there is one.
    pub fn query(&self) -> Option<&str> {
        self.parts.uri.query()
    }

    /// Scheme and authority of a request in absolute form, such as `http://gw:9091`.
    pub fn origin(&self) -> Option<String> {
        let authority = self.parts.uri.authority()?;
        let scheme = self.parts.uri.scheme_str().unwrap_or("http");
        Some(format!("{scheme}://{authority}"))
    }

    /// The first header of that name, if it is text. The name is compared without case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.parts.headers.get(name)?.to_str().ok()
    }

    /// Every header of that name that is text.
    pub fn headers<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.parts.headers.get_all(name).iter().filter_map(|value| value.to_str().ok())
    }

    /// All headers that are text, names in lower case, in the order they came; those of one name stand together.
    pub fn all_headers(&self) -> impl Iterator<Item = (&str, &str)> {
        let headers = self.parts.headers.iter();
        headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
    }

    /// The body as sent, still compressed.
    pub fn body(&self) -> &[u8] {
        &self.body
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// Headers besides `Content-Length`, `Date` and `Connection`, which the host writes.
    pub headers: Vec<(&'static str, String)>,
    /// The body, not compressed.
    pub body: Vec<u8>,
    /// Whether the host compresses the body with gzip: the client said that it takes that.
    pub gzip: bool,
    /// Whether the connection is closed after this answer.
    pub close: bool,
    /// Whether the whole host stops after this answer.
    pub stop: bool,
}

impl Response {
    /// An empty answer.
    pub fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
            gzip: false,
            close: false,
            stop: false,
        }
    }

    /// An answer with a body of that content type.
    pub fn with_body(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..Self::empty(status) }.header("Content-Type", content_type)
    }

    /// An answer in plain text.
    pub fn text(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::with_body(status, "text/plain; charset=utf-8", body)
    }

    /// A complaint in plain text, which gets a newline.
    pub fn error(status: u16, message: &str) -> Self {
        Self::text(status, format!("{message}\n")).header("X-Content-Type-Options", "nosniff")
    }

    /// Adds a header.
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Closes the connection after this answer.
    pub fn closing(mut self) -> Self {
        self.close = true;
        self
    }
}
