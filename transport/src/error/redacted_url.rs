//! A URL without its credentials.

use std::fmt;

/// A URL that messages may show: credentials in it are shown as `***`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RedactedUrl {
    text: Box<str>,
    /// Length of the server's base URL, which `text` begins with, in bytes.
    base_length: u32,
    port: Option<u16>,
}

impl RedactedUrl {
    /// `base` is the server's base URL without credentials, and `port` the port that it names.
    pub(crate) fn new(base: &str, path: &str, port: Option<u16>) -> Self {
        let text = format!("{base}{path}").into();
        Self { text, base_length: u32::try_from(base.len()).unwrap_or(u32::MAX), port }
    }

    /// The port that the URL names; `None` when it names none.
    pub fn port(&self) -> Option<u16> {
        self.port
    }

    /// The base URL of the server, without the path of the operation.
    pub(crate) fn base(&self) -> &str {
        let length = usize::try_from(self.base_length).unwrap_or(usize::MAX);
        self.text.get(..length).unwrap_or(&self.text)
    }
}

impl fmt::Display for RedactedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for RedactedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RedactedUrl").field(&self.text).finish()
    }
}
