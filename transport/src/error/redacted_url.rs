//! The redaction of a URL: its credentials are shown as `***`.

use std::fmt;
use std::sync::Arc;

/// The text that messages show in place of credentials.
pub(crate) const REDACTED: &str = "***";

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

/// Hides everything that may be a credential in a value that could not be parsed: the text before its
/// last `@`, and the text after the first `?` or `#` that follows.
pub(crate) fn redact(value: &str) -> String {
    let is_scheme = |scheme: &str| scheme.bytes().all(|b| b.is_ascii_alphanumeric());
    let (scheme, rest) = match value.split_once("://") {
        Some((scheme, rest)) if is_scheme(scheme) => (format!("{scheme}://"), rest),
        _ => (String::new(), value),
    };
    let mut shown = scheme;
    let rest = match rest.rsplit_once('@') {
        Some((_, rest)) => {
            shown.push_str(REDACTED);
            shown.push('@');
            rest
        }
        None => rest,
    };
    let query = rest.find(['?', '#']).filter(|mark| mark + 1 < rest.len());
    match query.and_then(|mark| rest.split_at_checked(mark + 1)) {
        Some((before, _)) => {
            shown.push_str(before);
            shown.push_str(REDACTED);
        }
        None => shown.push_str(rest),
    }
    shown
}
