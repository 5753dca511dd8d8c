//! Something to say about a body.

use crate::check::hint::Hint;
use crate::check::lint::Lint;
use crate::check::push_problem::PushProblem;
use crate::check::repair::Repair;
use crate::check::span::Span;
use crate::error::ParseErrorKind;

/// Something to say about a body. `Display` gives the message, without the place and the hint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// The index of the body, among those that were checked together.
    pub body: usize,
    /// The line, from 1; 0 for the body as a whole.
    pub line: usize,
    /// The part of the line.
    pub span: Span,
    /// What it is.
    pub kind: DiagnosticKind,
    /// What to do about it.
    pub hint: Option<Hint>,
}

/// How bad something is. Errors sort before warnings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// A gateway would refuse the body, or fail later because of it.
    Error,
    /// The body is legal, but seldom meant so.
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

/// What a diagnostic is about.
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
    /// Legal and seldom meant. Always a warning.
    #[error("{0}")]
    Lint(Lint),
    /// A fault that was put right. Always a warning.
    #[error("{0}")]
    Repair(Repair),
}
