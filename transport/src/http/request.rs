//! One HTTP request and its response, as far as this library uses them.

use std::io::Read;
use std::time::Duration;

use ureq::http;

use crate::http::failure::HttpFailure;

/// What the push path asks of an HTTP client; tests pass one of their own.
pub(crate) trait HttpSend: Send + Sync {
    /// Sends one request and returns its answer, whatever its status. Redirects are not followed.
    /// Reading the answer's body counts against the request's timeout too.
    fn send(&self, request: &HttpRequest<'_>) -> Result<Answer, HttpFailure>;

    /// Ends requests in flight on other threads, as far as possible, and refuses new ones.
    fn interrupt(&self);
}

/// A request. Credentials are in `headers` only, never in `url`.
pub(crate) struct HttpRequest<'a> {
    pub(crate) method: http::Method,
    pub(crate) url: &'a str,
    pub(crate) headers: &'a [(String, String)],
    pub(crate) body: Option<HttpBody<'a>>,
    /// From looking up the name to the last byte of the answer.
    pub(crate) timeout: Duration,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct HttpBody<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) content_type: &'static str,
    pub(crate) gzip: bool,
}

/// An answer whose body is still to be read.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) location: Option<String>,
    pub(crate) retry_after: Option<String>,
    /// The other side's clock.
    pub(crate) date: Option<String>,
    /// Whether the answer calls itself HTML.
    pub(crate) html: bool,
    pub(crate) body: Box<dyn Read + Send>,
}
