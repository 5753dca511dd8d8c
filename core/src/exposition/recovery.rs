//! Error recovery of the text parsers.

/// What a parser does after an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recovery {
    /// Goes on with the next line.
    NextLine,
    /// Reads no further.
    Stop,
}
