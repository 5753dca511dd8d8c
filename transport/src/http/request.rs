//! One HTTP request and its response, as far as this library uses them.

use std::io::Read;
use std::time::Duration;

use ureq::http;

use crate::http::failure::HttpFailure;

/// Sends HTTP requests. Tests pass a sender of their own.
pub(crate) trait HttpSend: Send + Sync {
    /// Sends one request and returns its response, whatever the status. Redirects are not followed.
    /// Reading the body of the response counts against the request's timeout too.
    fn send(&self, request: &HttpRequest<'_>) -> Result<HttpResponse, HttpFailure>;

    /// Ends the requests that other threads are making, as far as possible, and refuses new ones.
    fn interrupt(&self);
}

/// A request. Credentials are in `headers` only, never in `url`.
pub(crate) struct HttpRequest<'a> {
    pub(crate) method: http::Method,
    pub(crate) url: &'a str,
    pub(crate) headers: &'a [(String, String)],
    pub(crate) body: Option<HttpBody<'a>>,
    /// The time from looking up the host's name to the last byte of the response.
    pub(crate) timeout: Duration,
}

/// The body of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HttpBody<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) content_type: &'static str,
    /// Whether `bytes` are compressed with gzip.
    pub(crate) gzip: bool,
}

/// A response whose body has not been read yet.
pub(crate) struct HttpResponse {
    pub(crate) status: u16,
    pub(crate) location: Option<String>,
    pub(crate) retry_after: Option<String>,
    /// The clock of the server.
    pub(crate) date: Option<String>,
    /// Whether the content type is HTML.
    pub(crate) html: bool,
    pub(crate) body: Box<dyn Read + Send>,
}
