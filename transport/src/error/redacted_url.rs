//! A URL without its credentials.

use std::fmt;
use std::sync::Arc;

/// A URL that messages may show: credentials in it are shown as `***`.
///
/// A clone costs one reference count.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RedactedUrl(Arc<Parts>);

#[derive(PartialEq, Eq, Hash)]
struct Parts {
    base: String,
    path: String,
    port: Option<u16>,
}

impl RedactedUrl {
    /// `base` is the server's base URL without credentials, and `port` the port that it names.
    pub(crate) fn new(base: String, path: &str, port: Option<u16>) -> Self {
        Self(Arc::new(Parts { base, path: path.to_owned(), port }))
    }

    /// The port that the URL names; `None` when it names none.
    pub fn port(&self) -> Option<u16> {
        self.0.port
    }

    /// The base URL of the server, without the path of the operation.
    pub(crate) fn base(&self) -> &str {
        &self.0.base
    }
}

impl fmt::Display for RedactedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.0.base, self.0.path)
    }
}

impl fmt::Debug for RedactedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedactedUrl({self})")
    }
}
