//! How much of a request's body was sent before the request failed.

use std::io::{self, Read};

/// How much of a request's body the HTTP client has taken to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyProgress {
    /// There is no body to tell by.
    Unknown,
    /// The client never asked for the body; as a rule there was no connection yet.
    Nothing,
    Some,
    All,
}

/// The body of a request, which knows how much of it was read.
pub(crate) struct CountedBody<'a> {
    rest: &'a [u8],
    is_asked_for: bool,
}

impl<'a> CountedBody<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, is_asked_for: false }
    }

    pub(crate) fn progress(&self) -> BodyProgress {
        match (self.is_asked_for, self.rest.is_empty()) {
            (true, true) => BodyProgress::All,
            (true, false) => BodyProgress::Some,
            (false, true) => BodyProgress::Unknown,
            (false, false) => BodyProgress::Nothing,
        }
    }
}

impl Read for CountedBody<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.is_asked_for = true;
        self.rest.read(buf)
    }
}
