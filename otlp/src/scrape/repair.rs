//! The corrections that a scraped body needed.

use std::fmt;

/// Most repairs that are reported for one body.
const REPAIRS_MAX: usize = 100;

/// The first repairs of a body.
#[derive(Debug, Default)]
pub(crate) struct Repairs(pub(crate) Vec<ScrapeRepair>);

impl Repairs {
    /// Appends a repair, unless there are too many already.
    pub(crate) fn push(&mut self, repair: ScrapeRepair) {
        if self.0.len() < REPAIRS_MAX {
            self.0.push(repair);
        }
    }
}

/// One correction. `Display` describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ScrapeRepair {
    /// A further `# HELP` or `# TYPE` of a family was left out.
    RepeatedMetadata {
        /// The line, counted from 1.
        line: usize,
        /// The family.
        family: String,
    },
    /// A line could not be read and was left out.
    UnreadableLine {
        /// The line, counted from 1.
        line: usize,
        /// The error of the line.
        reason: String,
    },
    /// A series occurred twice; the last value counts.
    RepeatedSeries {
        /// The line, counted from 1.
        line: usize,
        /// The family.
        family: String,
    },
    /// Timestamps were left out, because a Pushgateway refuses them.
    Timestamps {
        /// The first family with a timestamp.
        family: String,
    },
}

impl fmt::Display for ScrapeRepair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RepeatedMetadata { line, family } => {
                write!(f, "line {line}: metric family `{family}` has a second HELP or TYPE")
            }
            Self::UnreadableLine { line, reason } => write!(f, "line {line}: left out: {reason}"),
            Self::RepeatedSeries { line, family } => {
                write!(f, "line {line}: a series of `{family}` is there twice")
            }
            Self::Timestamps { family } => write!(f, "metric family `{family}` has timestamps"),
        }
    }
}
