//! What a gateway has yet to be told of one group, and how two such things become one.
//!
//! Pure: no time, no I/O. The law that the tests hold: whatever is merged, lost, doubled, late or
//! repeated, the gateway ends in the state that telling it everything in order, once, would have
//! given.
//!
//! | earlier | then `PUT(B)` | then `POST(B)` | then `DELETE` |
//! |---|---|---|---|
//! | `PUT(A)` | `PUT(B)` | `PUT(A ∪ B)`, B's families win | `DELETE` |
//! | `POST(A)` | `PUT(B)` | `POST(A ∪ B)`, B's families win | `DELETE` |
//! | `DELETE` | `PUT(B)` | `PUT(B)` | `DELETE` |

use prompush_core::Format;

use crate::error::verb::Verb;
use crate::payload::families::{ConvertError, Families};

/// An operation on one group, or what several have become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum GroupChange {
    /// The group becomes these families.
    Push(Families),
    /// These families take the place of those of the same name.
    Add(Families),
    /// The group goes.
    Delete,
}

impl GroupChange {
    /// This, and `later` after it. Both are in one format.
    pub(crate) fn then(self, later: Self) -> Self {
        match (self, later) {
            (Self::Push(earlier), Self::Add(later)) => Self::Push(earlier.overlaid_by(later)),
            (Self::Add(earlier), Self::Add(later)) => Self::Add(earlier.overlaid_by(later)),
            (Self::Delete, Self::Add(later)) => Self::Push(later),
            (_, later @ (Self::Push(_) | Self::Delete)) => later,
        }
    }

    pub(crate) fn verb(&self) -> Verb {
        match self {
            Self::Push(_) => Verb::Push,
            Self::Add(_) => Verb::Add,
            Self::Delete => Verb::Delete,
        }
    }

    pub(crate) fn families(&self) -> Option<&Families> {
        match self {
            Self::Push(families) | Self::Add(families) => Some(families),
            Self::Delete => None,
        }
    }

    /// Whether what was there before makes no difference after it.
    pub(crate) fn replaces_all(&self) -> bool {
        !matches!(self, Self::Add(_))
    }

    /// The same in that format.
    pub(crate) fn in_format(self, format: Format) -> Result<Self, ConvertError> {
        Ok(match self {
            Self::Push(families) => Self::Push(families.in_format(format)?),
            Self::Add(families) => Self::Add(families.in_format(format)?),
            Self::Delete => Self::Delete,
        })
    }
}

/// What came earlier, if anything, and `later` after it.
pub(crate) fn merged(
    earlier: Option<GroupChange>,
    later: Option<GroupChange>,
) -> Option<GroupChange> {
    match (earlier, later) {
        (Some(earlier), Some(later)) => Some(earlier.then(later)),
        (one, None) | (None, one) => one,
    }
}

#[cfg(test)]
mod tests;
