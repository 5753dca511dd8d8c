//! Shows errors and warnings of the input as a compiler does: the line, with carets below the wrong part.

use std::collections::BTreeMap;

use prompush_core::check::{Severity, Span};
use unicode_width::UnicodeWidthChar as _;

use crate::body::input::Input;
use crate::output::escape::{escape_control, needs_escape};
use crate::output::terminal::{MessageKind, Style, print_message};
use crate::plural::count;

/// Maximum number of columns of a line that are shown. A longer line is cut around the caret.
const COLUMNS_MAX: usize = 100;
/// Number of characters before the caret in a line that is cut.
const CONTEXT_BEFORE: usize = 40;

/// Maximum number of errors that are printed to stderr. The others are counted.
const ERRORS_SHOWN_MAX: usize = 20;

/// An error or a warning about the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Diagnostic {
    pub(crate) severity: Severity,
    /// The index of the input.
    pub(crate) input: usize,
    /// The number of the line; the first is 1. 0 stands for the whole input.
    pub(crate) line: usize,
    pub(crate) span: Span,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
}

/// The lines of the diagnostics, found in one pass over each input.
pub(crate) struct SourceLines<'a>(BTreeMap<(usize, usize), &'a [u8]>);

impl<'a> SourceLines<'a> {
    pub(crate) fn find(diagnostics: &[Diagnostic], inputs: &'a [Input]) -> Self {
        let mut found: BTreeMap<(usize, usize), &'a [u8]> =
            diagnostics.iter().map(|d| ((d.input, d.line), &[][..])).collect();
        for (index, input) in inputs.iter().enumerate() {
            let mut wanted = found.range_mut((index, 1)..(index + 1, 0));
            let mut next = wanted.next();
            let lines = input.body.bytes().split(|byte| *byte == b'\n');
            for (number, line) in lines.enumerate().map(|(at, line)| (at + 1, line)) {
                let Some(((_, wanted_number), place)) = &mut next else { break };
                if *wanted_number == number {
                    **place = line;
                    next = wanted.next();
                }
            }
        }
        Self(found)
    }

    pub(crate) fn of(&self, diagnostic: &Diagnostic) -> &'a [u8] {
        self.0.get(&(diagnostic.input, diagnostic.line)).copied().unwrap_or_default()
    }
}

/// Prints errors to stderr, each with its line.
pub(crate) fn show_errors(errors: &[Diagnostic], inputs: &[Input]) {
    let shown = errors.get(..ERRORS_SHOWN_MAX).unwrap_or(errors);
    let lines = SourceLines::find(shown, inputs);
    let style = Style::of_stderr();
    for found in shown {
        let name = inputs.get(found.input).map_or("input", |input| &input.name);
        print_message(&render(found, name, lines.of(found), style));
    }
    let hidden = errors.len() - shown.len();
    if hidden > 0 {
        print_message(&format!("… and {}\n", count(hidden, "more error", "more errors")));
    }
}

/// The text of one diagnostic, with a final newline.
pub(crate) fn render(diagnostic: &Diagnostic, name: &str, line: &[u8], style: Style) -> String {
    let Diagnostic { severity, line: number, span, message, hint, .. } = diagnostic;
    let kind = match severity {
        Severity::Error => MessageKind::Error,
        Severity::Warning => MessageKind::Warning,
    };
    let head = style.paint(kind, &format!("{}:", severity.as_str()));
    let margin = " ".repeat(number.to_string().len());
    let name = escape_control(name);
    let mut lines = vec![format!("{head} {}", escape_control(message))];
    if *number == 0 {
        lines.push(format!("{margin}--> {name}"));
    } else {
        let (column, width) = span.locate(line);
        let Snippet { text, caret_at, caret_width } = Snippet::new(line, column, width);
        let carets = style.paint(kind, &"^".repeat(caret_width));
        lines.push(format!("{margin}--> {name}:{number}:{column}"));
        lines.push(format!("{margin} |"));
        lines.push(format!("{number} | {text}").trim_end().to_owned());
        lines.push(format!("{margin} | {}{carets}", " ".repeat(caret_at)));
    }
    if let Some(hint) = hint {
        let word = style.paint(MessageKind::Hint, "hint:");
        lines.push(format!("{margin} = {word} {}", escape_control(hint)));
    }
    lines.join("\n") + "\n"
}

/// A line as it is shown, and the position of the caret below it.
#[derive(Debug, PartialEq, Eq)]
struct Snippet {
    text: String,
    /// Columns of the terminal before the caret.
    caret_at: usize,
    /// Columns of the terminal.
    caret_width: usize,
}

impl Snippet {
    /// Cuts a long line around the character at `column`; the first is 1.
    fn new(line: &[u8], column: usize, width: usize) -> Self {
        let at = column.saturating_sub(1);
        let head: Vec<Cell> = cells(line).take(COLUMNS_MAX + 1).collect();
        let fits = head.len() <= COLUMNS_MAX && columns(&head) <= COLUMNS_MAX;
        let from = if fits || at < CONTEXT_BEFORE { 0 } else { at - CONTEXT_BEFORE };
        let mut snippet = Self { text: String::new(), caret_at: 0, caret_width: 0 };
        let mut shown_columns = 0;
        if from > 0 {
            snippet.text.push('…');
            shown_columns += 1;
            snippet.caret_at += 1;
        }
        for (index, cell) in cells(line).enumerate().skip(from) {
            if !fits && shown_columns + cell.columns >= COLUMNS_MAX {
                snippet.text.push('…');
                break;
            }
            shown_columns += cell.columns;
            snippet.text.push_str(&cell.text);
            if index < at {
                snippet.caret_at += cell.columns;
            } else if index < at + width {
                snippet.caret_width += cell.columns;
            }
        }
        snippet.caret_width = snippet.caret_width.max(1);
        snippet
    }
}

/// A character of a line as it is shown, or an escape for invalid bytes.
struct Cell {
    text: String,
    columns: usize,
}

fn columns(cells: &[Cell]) -> usize {
    cells.iter().map(|cell| cell.columns).sum()
}

/// One cell for each character. Invalid bytes count as in [`String::from_utf8_lossy`].
fn cells(line: &[u8]) -> impl Iterator<Item = Cell> {
    line.utf8_chunks().flat_map(|chunk| {
        let invalid = chunk.invalid();
        let bytes = invalid.iter().flat_map(|byte| std::ascii::escape_default(*byte));
        let bytes: String = bytes.map(char::from).collect();
        let bytes = Cell { columns: bytes.len(), text: bytes };
        chunk.valid().chars().map(cell).chain((!invalid.is_empty()).then_some(bytes))
    })
}

fn cell(c: char) -> Cell {
    if needs_escape(c) {
        let text = c.escape_default().to_string();
        return Cell { columns: text.len(), text };
    }
    Cell { text: c.to_string(), columns: c.width().unwrap_or(0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `marked` is the snippet as it is shown, its second line the carets.
    fn check(line: &[u8], column: usize, width: usize, marked: &str) {
        let Snippet { text, caret_at, caret_width } = Snippet::new(line, column, width);
        let shown = format!("{text}\n{}{}", " ".repeat(caret_at), "^".repeat(caret_width));
        assert_eq!(shown, marked, "\n{shown}");
    }

    #[test]
    fn the_caret_stands_right() {
        check(b"foo abc", 5, 3, "foo abc\n    ^^^");
        check(b"foo", 4, 1, "foo\n   ^");
        check(b"", 1, 1, "\n^");
        check(b"a\tb x", 5, 1, "a\\tb x\n     ^");
        check(b"a\x1b b", 4, 1, "a\\u{1b} b\n        ^");
        check("日本 x".as_bytes(), 4, 1, "日本 x\n     ^");
        check("日本 x".as_bytes(), 1, 2, "日本 x\n^^^^");
        check("e\u{301} x".as_bytes(), 4, 1, "e\u{301} x\n  ^");
        check(b"a\xff\xfe b", 5, 1, "a\\xff\\xfe b\n          ^");
    }

    #[test]
    fn long_lines_are_cut_around_the_caret() {
        let line = format!("{}X{}", "a".repeat(300), "b".repeat(300));
        let shown = Snippet::new(line.as_bytes(), 301, 1);
        assert_eq!(shown.text, format!("…{}X{}…", "a".repeat(40), "b".repeat(57)));
        assert_eq!((shown.caret_at, shown.caret_width), (41, 1));
        let shown = Snippet::new(line.as_bytes(), 1, 300);
        assert_eq!(shown.text, format!("{}…", "a".repeat(99)));
        assert_eq!((shown.caret_at, shown.caret_width), (0, 99));
        let shown = Snippet::new(line.as_bytes(), 602, 1);
        assert_eq!(shown.text, format!("…{}", "b".repeat(40)));
        assert_eq!((shown.caret_at, shown.caret_width), (41, 1));
        let exact = "a".repeat(COLUMNS_MAX);
        assert_eq!(Snippet::new(exact.as_bytes(), 1, 1).text, exact);
    }
}
