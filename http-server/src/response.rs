//! The response that a handler returns.

/// The response to one request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Response {
    /// The status code. A code outside 100 to 999 is sent as 500.
    pub status: u16,
    /// Headers besides `Content-Length`, `Date` and `Connection`, which the server writes itself. A header that is
    /// not valid in HTTP is left out.
    pub headers: Vec<(&'static str, String)>,
    /// The body, not compressed.
    pub body: Vec<u8>,
    /// Whether the server compresses the body with gzip. Set it only if the client accepts gzip. Default: off.
    pub gzip: bool,
    /// Whether the server closes the connection after this response. Default: off.
    pub close: bool,
    /// Whether the whole server shuts down after this response. Default: off.
    pub shutdown: bool,
}

impl Response {
    /// A response without a body.
    pub fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
            gzip: false,
            close: false,
            shutdown: false,
        }
    }

    /// A response whose `Content-Type` header is `content_type`.
    pub fn with_body(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { body: body.into(), ..Self::empty(status) }.header("Content-Type", content_type)
    }

    /// A response in plain text, in UTF-8.
    pub fn text(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::with_body(status, "text/plain; charset=utf-8", body)
    }

    /// An error message in plain text. A line feed is appended to the message.
    pub fn error(status: u16, message: &str) -> Self {
        Self::text(status, format!("{message}\n")).header("X-Content-Type-Options", "nosniff")
    }

    /// Adds a header. A header of the same name that is already there stays.
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Makes the server close the connection after this response.
    pub fn closing(mut self) -> Self {
        self.close = true;
        self
    }
}
