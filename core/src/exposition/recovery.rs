//! How a parser goes on after an error.

/// What the parser does after an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recovery {
    /// Goes on with the next line.
    NextLine,
    /// Reads no further.
    Stop,
}
