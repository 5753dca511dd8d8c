//! The change of a group that a gateway has not acknowledged yet, and how two changes become one.
//!
//! The module is pure: no time, no I/O. Its tests hold this law: however changes are merged, lost,
//! repeated or late, the gateway ends in the state that sending every change once, in order, would
//! have given.
//!
//! | earlier | then push B (`PUT`) | then add B (`POST`) | then delete |
//! |---|---|---|---|
//! | push A | push B | push A ∪ B, families of B win | delete |
//! | add A | push B | add A ∪ B, families of B win | delete |
//! | delete | push B | push B | delete |

use prompush_core::Format;

use crate::error::Verb;
use crate::payload::families::{ConvertError, Families};

/// One change of a group, or several that were merged into one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum GroupChange {
    /// Replaces the whole group by these families (`PUT`).
    Push(Families),
    /// Replaces the families of the same names and keeps the others (`POST`).
    Add(Families),
    /// Deletes the group (`DELETE`).
    Delete,
}

impl GroupChange {
    /// Merges this change and a later one. The families of both are in one format.
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

    /// Whether the group's earlier content makes no difference after this change.
    pub(crate) fn replaces_all(&self) -> bool {
        !matches!(self, Self::Add(_))
    }

    /// The same change with its families in `format`.
    pub(crate) fn in_format(self, format: Format) -> Result<Self, ConvertError> {
        Ok(match self {
            Self::Push(families) => Self::Push(families.in_format(format)?),
            Self::Add(families) => Self::Add(families.in_format(format)?),
            Self::Delete => Self::Delete,
        })
    }
}

/// Merges two changes where either may be missing; `None` when both are.
pub(crate) fn merged(
    earlier: Option<GroupChange>,
    later: Option<GroupChange>,
) -> Option<GroupChange> {
    match (earlier, later) {
        (Some(earlier), Some(later)) => Some(earlier.then(later)),
        (one, None) | (None, one) => one,
    }
}
