//! Diagnostics: faults of a body, each with its place.

use crate::check::hint::Hint;
use crate::check::lint::Lint;
use crate::check::push_problem::PushProblem;
use crate::check::repair::Repair;
use crate::check::span::Span;
use crate::error::ParseErrorKind;

/// One fault of a body. `Display` gives the message, without the place and the hint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct Diagnostic {
    /// Whether the fault is an error or a warning.
    pub severity: Severity,
    /// The index of the body, among those that were checked together.
    pub body: usize,
    /// The line, from 1; 0 for the body as a whole.
    pub line: usize,
    /// The part of the line that the diagnostic is about.
    pub span: Span,
    /// The fault.
    pub kind: DiagnosticKind,
    /// What to do about the fault.
    pub hint: Option<Hint>,
}

/// The severity of a diagnostic. Errors sort before warnings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// A gateway would refuse the body, or fail later because of it.
    Error,
    /// The body is legal, but the program seldom means what it says.
    Warning,
}

impl Severity {
    /// `error` or `warning`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// The kinds of faults.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DiagnosticKind {
    /// The line is not in the format. Always an error.
    #[error("{0}")]
    Parse(ParseErrorKind),
    /// A gateway would refuse the push, or take it and drop a part. An error or a warning, as
    /// [`PushProblemKind::is_error`](crate::PushProblemKind::is_error) says.
    #[error("{0}")]
    Push(PushProblem),
    /// A metric is legal and seldom meant. Always a warning.
    #[error("{0}")]
    Lint(Lint),
    /// A harmless fault was repaired. Always a warning.
    #[error("{0}")]
    Repair(Repair),
}
