//! Diagnostics: faults of a body, each with its place.

/// One fault of a body. `Display` gives the message, without the place and the hint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Diagnostic {
    /// Whether the fault is an error or a warning.
    pub severity: Severity,
    /// The index of the body, among those that were checked together.
    pub body: usize,
    /// The line, from 1; 0 for the body as a whole.
    pub line: usize,
    /// The part of the line that the diagnostic is about.
    pub span: Span,
    /// The fault, as a text for people.
    pub message: String,
    /// The advice for the user.
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

/// The advice that belongs to a [`Diagnostic`]. `Display` gives a text for people.
///
/// No text names a flag of a command line. A command line that has a flag for one of the named hints may
/// show its own text instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Hint {
    /// Text 0.0.4 does not know the type, but OpenMetrics does.
    #[error("OpenMetrics has this type, and its last line is `# EOF`: is the input incomplete?")]
    TypeOfOpenMetrics,
    /// The body breaks a rule of OpenMetrics, and only its last line says that it is OpenMetrics.
    #[error("the last line marks this as OpenMetrics; if it is text, give the format")]
    MaybeNotOpenMetrics,
    /// A metric has a timestamp.
    #[error("a gateway refuses timestamps: remove it")]
    DropTimestamp,
    /// A label that the grouping key sets too.
    #[error("put the value into the grouping key, or rename the label")]
    RenameLabel,
    /// Any other hint.
    #[error("{0}")]
    Text(&'static str),
}

/// The part of a line that a [`Diagnostic`] is about.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Span {
    /// `width` characters from `column` on, which counts from 1.
    At {
        /// The first character, from 1.
        column: usize,
        /// The number of characters.
        width: usize,
    },
    /// The metric's name.
    Name,
    /// The metric's name and labels.
    Series,
    /// The label with this name.
    Label(String),
    /// The last word.
    LastWord,
    /// The place behind the last character.
    End,
}

impl Span {
    /// The column, from 1, and the width of the part in `line`, both in characters.
    pub fn locate(&self, line: &[u8]) -> (usize, usize) {
        let text = String::from_utf8_lossy(line);
        let trimmed = text.trim_end();
        let start = text.len() - text.trim_start().len();
        let is_name_end = |c: char| c == '{' || c.is_ascii_whitespace();
        let name_end = trimmed.get(start..).and_then(|rest| rest.find(is_name_end));
        let name_end = name_end.map_or(trimmed.len(), |end| start + end);
        let (from, to) = match self {
            Self::At { column, width } => return (*column, *width),
            Self::End => (text.len(), text.len()),
            Self::Name => (start, name_end),
            Self::Series => (start, trimmed.rfind('}').map_or(name_end, |brace| brace + 1)),
            Self::LastWord => (
                trimmed.rfind(|c: char| c.is_ascii_whitespace()).map_or(0, |at| at + 1),
                trimmed.len(),
            ),
            Self::Label(name) => match find_label(&text, name) {
                Some(at) => (at, at + name.len()),
                None => (start, name_end),
            },
        };
        let characters = |text: Option<&str>| text.unwrap_or_default().chars().count();
        (characters(text.get(..from)) + 1, characters(text.get(from..to)).max(1))
    }
}

/// Where a label with this name stands: after `{` or `,` and before `=`.
fn find_label(text: &str, name: &str) -> Option<usize> {
    if name.is_empty() {
        return None;
    }
    let is_label = |at: &usize| {
        let before = text.get(..*at).unwrap_or_default().trim_end_matches([' ', '\t', '"']);
        let after = text.get(at + name.len()..).unwrap_or_default();
        before.ends_with(['{', ',']) && after.trim_start_matches([' ', '\t', '"']).starts_with('=')
    };
    text.match_indices(name).map(|(at, _)| at).find(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_located() {
        let check = |span: Span, line: &str, expected: (usize, usize)| {
            assert_eq!(span.locate(line.as_bytes()), expected, "{span:?} in {line}");
        };
        let label = |name: &str| Span::Label(name.to_owned());
        check(Span::Name, "  foo{a=\"b\"} 1", (3, 3));
        check(Span::Name, "foo 1", (1, 3));
        check(Span::Name, "", (1, 1));
        check(Span::Series, "foo{a=\"b c\"} 1", (1, 12));
        check(Span::Series, "foo 1", (1, 3));
        check(Span::LastWord, "foo 1 1600 ", (7, 4));
        check(Span::End, "é 1", (4, 1));
        check(label("job"), "job{x=\"job\",job=\"a\"} 1", (13, 3));
        check(label("job"), "é{ job =\"a\"} 1", (4, 3));
        check(label("job"), "foo 1", (1, 3));
    }
}
