//! A URL without its credentials.

use std::fmt;

/// A URL fit for messages: credentials are shown as `***`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RedactedUrl(pub(crate) Box<str>);

impl fmt::Display for RedactedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for RedactedUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RedactedUrl").field(&self.0).finish()
    }
}
