//! Reads bodies and finds everything that is to be said about them before a push.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use prompush_core::{
    Exposition, Format, GroupingKey, MetricFamily, MetricType, ParseError, ParseErrorKind,
    PushProblem, PushProblemKind, check_push, parse_all,
};

use crate::body::input::Input;
use crate::error::CliError;
use crate::output::diagnostic::{Diagnostic, Severity, Span};

/// All inputs as one body.
#[derive(Debug)]
pub(crate) struct Body<'a> {
    /// The families of all inputs.
    pub(crate) exposition: Exposition<'a>,
    /// Which input each family is from, by its name.
    origins: BTreeMap<String, usize>,
    /// What is wrong with the text.
    pub(crate) errors: Vec<Diagnostic>,
}

impl<'a> Body<'a> {
    /// Parses all inputs.
    ///
    /// # Errors
    /// [`CliError::DuplicateFamily`] when two inputs have a family of the same name.
    pub(crate) fn parse(inputs: &'a [Input]) -> Result<Self, CliError> {
        let mut body = Self {
            exposition: Exposition::default(),
            origins: BTreeMap::new(),
            errors: Vec::new(),
        };
        for (index, input) in inputs.iter().enumerate() {
            let (exposition, errors) = parse_input(input);
            body.errors.extend(errors.iter().map(|error| parse_diagnostic(index, input, error)));
            for family in exposition.families {
                match body.origins.entry(family.name.to_string()) {
                    Entry::Vacant(place) => {
                        place.insert(index);
                    }
                    Entry::Occupied(first) => {
                        return Err(CliError::DuplicateFamily {
                            family: first.key().clone(),
                            first: inputs[*first.get()].name.clone(),
                            second: input.name.clone(),
                        });
                    }
                }
                body.exposition.families.push(family);
            }
        }
        Ok(body)
    }

    /// Takes the timestamps away.
    pub(crate) fn drop_timestamps(&mut self) {
        for family in &mut self.exposition.families {
            for metric in &mut family.metrics {
                metric.timestamp_ms = None;
            }
        }
    }

    /// Which input the family is from.
    pub(crate) fn origin(&self, family: &str) -> usize {
        self.origins.get(family).copied().unwrap_or(0)
    }

    /// What a gateway would refuse or suffer from, if this were pushed to `key`.
    /// Without a key it is judged as for some group, of which nothing but its job is known.
    pub(crate) fn check(&self, key: Option<&GroupingKey>) -> Result<Vec<Diagnostic>, CliError> {
        // Any job overrides the label `job`, so any will do.
        let some = GroupingKey::new("some").map_err(CliError::GroupingKey)?;
        let complaints = check_push(&self.exposition, key.unwrap_or(&some));
        Ok(complaints.into_iter().map(|found| self.complaint(found, key.is_some())).collect())
    }

    fn complaint(&self, complaint: PushProblem, key_is_known: bool) -> Diagnostic {
        use PushProblemKind as Kind;
        let severity = if complaint.kind.is_error() { Severity::Error } else { Severity::Warning };
        let mut message = complaint.to_string();
        let (span, hint) = match complaint.kind {
            Kind::Timestamp => (
                Span::LastWord,
                Some(
                    "a gateway shows metrics as of now: `prompush push --drop-timestamps` drops it",
                ),
            ),
            Kind::Duplicate { .. } => {
                (Span::Series, Some("give each metric labels of its own, or drop one of them"))
            }
            Kind::LabelName(name) => {
                (Span::Label(name), Some("names that begin with `__` are reserved"))
            }
            Kind::Overridden { label, .. } => {
                if !key_is_known {
                    message = format!(
                        "metric `{}` has label `{label}`, which the group's own overrides",
                        complaint.family.escape_debug()
                    );
                }
                (Span::Label(label), Some("give the job with `--job`, or rename the label"))
            }
            Kind::Clash { .. } => (Span::Name, Some("rename one of them")),
            _ => (Span::Name, None),
        };
        let hint = hint.map(str::to_owned);
        let input = self.origin(&complaint.family);
        Diagnostic { severity, input, line: complaint.line, span, message, hint }
    }
}

/// Parses one input.
///
/// What ends like OpenMetrics and is not may be text with a comment at its end. It is taken as text if it is good
/// text that way and nothing stays untyped: a type that is there for OpenMetrics only must not get lost.
fn parse_input(input: &Input) -> (Exposition<'_>, Vec<ParseError>) {
    let (exposition, errors) = parse_all(&input.bytes, input.format);
    if input.format == Format::OpenMetrics && !input.format_is_given && !errors.is_empty() {
        let (as_text, text_errors) = parse_all(&input.bytes, Format::Text);
        let is_typed = |family: &MetricFamily<'_>| family.metric_type != MetricType::Untyped;
        if text_errors.is_empty() && as_text.families.iter().all(is_typed) {
            return (as_text, text_errors);
        }
    }
    (exposition, errors)
}

fn parse_diagnostic(input: usize, from: &Input, error: &ParseError) -> Diagnostic {
    let hint = parse_hint(from, &error.kind).map(str::to_owned);
    Diagnostic {
        severity: Severity::Error,
        input,
        line: error.line,
        span: Span::At { column: error.column, width: error.width },
        message: error.kind.to_string(),
        hint,
    }
}

fn parse_hint(input: &Input, kind: &ParseErrorKind) -> Option<&'static str> {
    let is_text = input.format == Format::Text;
    match kind {
        ParseErrorKind::UnknownType(word)
            if is_text
                && matches!(word.as_str(), "info" | "stateset" | "unknown" | "gaugehistogram") =>
        {
            Some(
                "OpenMetrics has that type: does the input lack its last line, `# EOF`? `--format openmetrics` tells more",
            )
        }
        ParseErrorKind::Timestamp(word) | ParseErrorKind::AfterTimestamp(word)
            if is_text && word.starts_with('#') =>
        {
            Some(
                "exemplars are part of OpenMetrics, whose last line is `# EOF`: was the input cut?",
            )
        }
        ParseErrorKind::Timestamp(_) if is_text => Some(
            "a metric is `name{label=\"value\"} value`, with nothing after it but a timestamp in milliseconds",
        ),
        ParseErrorKind::OpenMetrics(_) if !input.format_is_given => {
            Some("the last line says that this is OpenMetrics; if it is not, say `--format text`")
        }
        ParseErrorKind::SecondHelp(_) | ParseErrorKind::SecondType(_) => {
            Some("a family's HELP and TYPE stand once, before its first sample")
        }
        ParseErrorKind::MetricName if is_page(&input.bytes) => Some(
            "this is a page for a browser: did the program that should print metrics print an error?",
        ),
        ParseErrorKind::MetricName if is_text => Some(
            "a metric is `name value` or `name{label=\"value\"} value`, its name of letters, digits, `_` and `:`",
        ),
        ParseErrorKind::NoQuote(_) => {
            Some("label values stand in double quotes: `name{label=\"value\"} value`")
        }
        ParseErrorKind::NoEquals(_) | ParseErrorKind::LabelName(_) => {
            Some("a label is `name=\"value\"`, its name of letters, digits and `_`")
        }
        ParseErrorKind::Value(word) if word.is_empty() => {
            Some("a metric is `name value`: the value is missing")
        }
        ParseErrorKind::Value(word) if is_rest_of_name(word) => Some(
            "a metric's name is of letters, digits, `_` and `:`, and its value stands after a space",
        ),
        ParseErrorKind::Value(word) if is_number_with(word, ',') => {
            Some("a decimal point is written `.`, and digits are not grouped")
        }
        ParseErrorKind::Value(word) if is_number_with(word, '%') => {
            Some("a value has no unit: write the bare number")
        }
        _ => None,
    }
}

/// Whether these are the characters of a name that it may not have, and what follows them.
fn is_rest_of_name(word: &str) -> bool {
    let mut chars = word.chars();
    matches!(chars.next(), Some('-' | '.' | '/')) && chars.next().is_some_and(char::is_alphabetic)
}

/// Whether that is HTML or XML.
fn is_page(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().starts_with(b"<")
}

/// Whether `word` begins like a number and holds `c`.
fn is_number_with(word: &str, c: char) -> bool {
    word.starts_with(|first: char| first.is_ascii_digit() || first == '-') && word.contains(c)
}
