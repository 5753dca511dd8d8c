//! A check of bodies in one call.

use crate::check::body::Body;
use crate::check::diagnostic::{Diagnostic, Severity};
use crate::check::parsed_bodies::{DuplicateFamily, ParsedBodies};
use crate::exposition::metric_family::Exposition;
use crate::grouping_key::GroupingKey;

/// The result of a [`check`].
#[derive(Debug)]
pub struct Report<'a> {
    /// The families of all lines without an error.
    pub exposition: Exposition<'a>,
    /// Everything that was found, sorted by body and line, errors before warnings.
    pub diagnostics: Vec<Diagnostic>,
}

impl Report<'_> {
    /// The number of errors.
    pub fn errors(&self) -> usize {
        self.diagnostics.iter().filter(|found| found.severity == Severity::Error).count()
    }

    /// The number of warnings.
    pub fn warnings(&self) -> usize {
        self.diagnostics.len() - self.errors()
    }
}

/// Checks bodies that are to be pushed together. `key` is the grouping key of the push, if it is known.
///
/// # Errors
/// [`DuplicateFamily`] if two bodies have a family of the same name.
pub fn check<'a>(
    bodies: impl IntoIterator<Item = &'a Body>,
    key: Option<&GroupingKey>,
) -> Result<Report<'a>, DuplicateFamily> {
    let mut parsed = ParsedBodies::parse(bodies)?;
    let mut diagnostics = std::mem::take(&mut parsed.parse_errors);
    diagnostics.extend(parsed.check_push(key));
    diagnostics.extend(parsed.lint());
    diagnostics.sort_by_key(|found| (found.body, found.line, found.severity));
    Ok(Report { exposition: parsed.exposition, diagnostics })
}
