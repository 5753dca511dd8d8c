//! Several bodies, parsed and taken as one, and the check of them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::check::lint::lint_family;
use crate::check::parse_hint::parse_hint;
use crate::check::{
    Body, Diagnostic, Hint, PushProblem, PushProblemKind, Repair, Severity, Span, check_push,
};
use crate::error::ParseError;
use crate::exposition::{Exposition, Format, MetricFamily, MetricType, parse_all};
use crate::grouping_key::GroupingKey;

/// Several bodies, parsed and taken as one.
#[derive(Debug)]
pub struct ParsedBodies<'a> {
    /// The families of all lines without an error, in the order of the bodies.
    pub exposition: Exposition<'a>,
    /// The errors of the parser.
    pub parse_errors: Vec<Diagnostic>,
    bodies: Vec<&'a Body>,
    /// The index of the body that each family is from, by the family's name.
    body_of: BTreeMap<String, usize>,
}

/// A metric family that stands in two bodies.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("metric family `{family}` is in body {first} and in body {second}")]
pub struct DuplicateFamily {
    /// The family's name.
    pub family: String,
    /// The index of the first body that has it.
    pub first: usize,
    /// The index of the second body that has it.
    pub second: usize,
}

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

impl<'a> ParsedBodies<'a> {
    /// Parses all bodies.
    ///
    /// # Errors
    /// [`DuplicateFamily`] if two bodies have a family of the same name: a gateway takes a family
    /// in one block only.
    pub fn parse(bodies: impl IntoIterator<Item = &'a Body>) -> Result<Self, DuplicateFamily> {
        let mut parsed = Self {
            exposition: Exposition::default(),
            parse_errors: Vec::new(),
            bodies: bodies.into_iter().collect(),
            body_of: BTreeMap::new(),
        };
        for (index, body) in parsed.bodies.iter().copied().enumerate() {
            let (exposition, errors) = parse_body(body);
            let errors = errors.iter().map(|error| parse_diagnostic(index, body, error));
            parsed.parse_errors.extend(errors);
            for family in exposition.families {
                match parsed.body_of.entry(family.name.to_string()) {
                    Entry::Vacant(vacant) => {
                        vacant.insert(index);
                    }
                    Entry::Occupied(first) => {
                        let (family, first) = (first.key().clone(), *first.get());
                        return Err(DuplicateFamily { family, first, second: index });
                    }
                }
                parsed.exposition.families.push(family);
            }
        }
        Ok(parsed)
    }

    /// Removes all timestamps, which a gateway refuses.
    pub fn drop_timestamps(&mut self) {
        for family in &mut self.exposition.families {
            for metric in &mut family.metrics {
                metric.timestamp_ms = None;
            }
        }
    }

    /// Finds everything that a gateway would refuse, or would take and drop, if the bodies were pushed to
    /// the group `key`. Without a key, finds what is wrong for every group.
    pub fn check_push(&self, key: Option<&GroupingKey>) -> Vec<Diagnostic> {
        let any_key = GroupingKey::of_any_job();
        let problems = check_push(&self.exposition, key.unwrap_or(&any_key));
        let problems = problems.into_iter().map(|mut problem| {
            if let (None, PushProblemKind::Overridden { label, .. }) = (key, &mut problem.kind) {
                let label = std::mem::take(label);
                problem.kind = PushProblemKind::OverriddenInAnyGroup { label };
            }
            self.push_diagnostic(&problem)
        });
        problems.collect()
    }

    /// Finds everything that is legal and seldom meant, and every repair. All are warnings, in no
    /// particular order.
    pub fn lint(&self) -> Vec<Diagnostic> {
        let severity = Severity::Warning;
        let mut found = Vec::new();
        for (body, repairs) in self.bodies.iter().map(|body| &body.repairs).enumerate() {
            found.extend(repairs.iter().map(|repair| {
                let is_mark = *repair == Repair::ByteOrderMark;
                let span = if is_mark { Span::At { column: 1, width: 1 } } else { Span::End };
                let (line, message) = (repair.line(), repair.to_string());
                Diagnostic { severity, body, line, span, message, hint: None }
            }));
        }
        for family in &self.exposition.families {
            let body = self.body_of(&family.name);
            found.extend(lint_family(family).into_iter().map(|lint| {
                let (line, message, hint) = (lint.line, lint.message, Some(Hint::Text(lint.hint)));
                Diagnostic { severity, body, line, span: Span::Name, message, hint }
            }));
        }
        found
    }

    /// The index of the body that a family is from.
    fn body_of(&self, family: &str) -> usize {
        self.body_of.get(family).copied().unwrap_or(0)
    }

    fn push_diagnostic(&self, problem: &PushProblem) -> Diagnostic {
        use PushProblemKind as Kind;
        let text = |text| Some(Hint::Text(text));
        let (span, hint) = match &problem.kind {
            Kind::Timestamp => (Span::LastWord, Some(Hint::DropTimestamp)),
            Kind::Duplicate { .. } => {
                (Span::Series, text("give each metric different labels, or remove one of them"))
            }
            Kind::LabelName(name) => {
                let hint = text("label names that begin with `__` are reserved");
                (Span::Label(name.clone()), hint)
            }
            Kind::Overridden { label, .. } | Kind::OverriddenInAnyGroup { label } => {
                (Span::Label(label.clone()), Some(Hint::RenameLabel))
            }
            Kind::Clash { .. } => (Span::Name, text("rename one of the two")),
            Kind::MetricName | Kind::GatewayOwn => (Span::Name, None),
        };
        let severity = if problem.kind.is_error() { Severity::Error } else { Severity::Warning };
        let (body, line) = (self.body_of(&problem.family), problem.line);
        Diagnostic { severity, body, line, span, message: problem.to_string(), hint }
    }
}

/// Parses one body.
///
/// A body that ends like OpenMetrics and is not may be text with a comment at its end. It is taken
/// as text if it is good text that way and no family stays untyped: a type that only OpenMetrics
/// has must not get lost.
fn parse_body(body: &Body) -> (Exposition<'_>, Vec<ParseError>) {
    let (exposition, errors) = parse_all(&body.bytes, body.format);
    if body.format == Format::OpenMetrics && !body.is_format_given && !errors.is_empty() {
        let (as_text, text_errors) = parse_all(&body.bytes, Format::Text);
        let is_typed = |family: &MetricFamily<'_>| family.metric_type != MetricType::Untyped;
        if text_errors.is_empty() && as_text.families.iter().all(is_typed) {
            return (as_text, text_errors);
        }
    }
    (exposition, errors)
}

fn parse_diagnostic(index: usize, body: &Body, error: &ParseError) -> Diagnostic {
    Diagnostic {
        severity: Severity::Error,
        body: index,
        line: error.line,
        span: Span::At { column: error.column, width: error.width },
        hint: parse_hint(body, &error.kind),
        message: error.kind.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_in_the_body_is_overridden_in_any_group() {
        let check = |body: &str, expected: &[&str]| {
            let body = Body::new(body.as_bytes().to_vec());
            let parsed = ParsedBodies::parse([&body]).unwrap();
            let found: Vec<String> =
                parsed.check_push(None).iter().map(ToString::to_string).collect();
            assert_eq!(found, expected);
        };
        check(
            "a{job=\"x\"} 1\n",
            &["metric `a` has label `job`, which the job of the group overrides"],
        );
        check("a{zone=\"x\"} 1\n", &[]);
        // Without a job in the grouping key, the placeholder stands for it.
        check("a{job=\"some\"} 1\n", &[]);
    }
}
