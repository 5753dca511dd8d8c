//! The error text of a gateway, made fit to be shown, with the line of the body that it refers to.

use std::borrow::Cow;
use std::fmt;

use crate::error::html_page::{is_html, text_of_page};

/// How much of a line of the body is quoted, in characters.
const QUOTED_CHARS_MAX: usize = 160;

/// The beginning of a gateway's parse error, before the number of the line.
const LINE_PREFIX: &str = "text format parsing error in line ";

/// The error text of a gateway, in one line and without control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AnswerText {
    text: String,
    /// The line of the pushed body that the text refers to: its number, from 1, and its content.
    line: Option<(usize, String)>,
}

impl AnswerText {
    /// Makes the text fit to be shown; `None` when it is empty.
    ///
    /// `answer` is the body of the answer as far as it was read, and `cut` tells whether there was more.
    /// `pushed` is the body of the request before compression.
    pub(crate) fn new(answer: &[u8], cut: bool, pushed: &[u8]) -> Option<Self> {
        let page = is_html(answer);
        let answer = String::from_utf8_lossy(answer);
        let answer = if page { Cow::Owned(text_of_page(&answer)) } else { answer };
        let mut text = String::with_capacity(answer.len());
        for line in answer.lines().map(str::trim).filter(|line| !line.is_empty()) {
            if !text.is_empty() {
                text.push(' ');
            }
            escape_into(&mut text, line);
        }
        if text.is_empty() {
            return None;
        }
        if cut && !page {
            text.push_str(" … (cut)");
        }
        let line = line_number(&answer).and_then(|number| Some((number, quote(pushed, number)?)));
        Some(Self { text, line })
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for AnswerText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the gateway says: {}", self.text)?;
        match &self.line {
            Some((number, text)) => write!(f, "; line {number} of the body is `{text}`"),
            None => Ok(()),
        }
    }
}

/// Escapes characters that could move a terminal's cursor or turn the direction of its text.
pub(crate) fn escape_into(out: &mut String, text: &str) {
    for c in text.chars() {
        if c.is_control() {
            out.extend(c.escape_default());
        } else if matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
}

fn line_number(text: &str) -> Option<usize> {
    let rest = text.trim_start().strip_prefix(LINE_PREFIX)?;
    rest.split_once(':')?.0.parse().ok()
}

/// Quotes the line with that number, from 1; `None` when the body has no such line.
fn quote(body: &[u8], number: usize) -> Option<String> {
    if body.is_empty() {
        return None;
    }
    let line = body.split(|byte| *byte == b'\n').nth(number.checked_sub(1)?)?;
    // A character has at most four bytes, so this is enough, and a huge line costs little.
    let start = line.get(..QUOTED_CHARS_MAX * 4).unwrap_or(line);
    let text = String::from_utf8_lossy(start);
    let mut quoted = String::new();
    let mut chars = text.char_indices();
    let shown = match chars.nth(QUOTED_CHARS_MAX) {
        Some((end, _)) => text.get(..end).unwrap_or_default(),
        None => &text,
    };
    escape_into(&mut quoted, shown);
    if shown.len() < line.len() {
        quoted.push('…');
    }
    Some(quoted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(answer: &str, cut: bool, pushed: &str, expected: &str) {
        let reason = AnswerText::new(answer.as_bytes(), cut, pushed.as_bytes());
        assert_eq!(reason.map(|r| r.to_string()).unwrap_or_default(), expected, "{answer:?}");
    }

    #[test]
    fn the_line_that_the_text_refers_to_is_quoted() {
        check(
            "text format parsing error in line 2: expected float as value, got \"abc\"\n",
            false,
            "foo 1\nfoo abc\nbar 2\n",
            "the gateway says: text format parsing error in line 2: expected float as value, got \"abc\"; line 2 of the body is `foo abc`",
        );
        check(
            "text format parsing error in line 9: unexpected end of input stream",
            false,
            "foo 1\n",
            "the gateway says: text format parsing error in line 9: unexpected end of input stream",
        );
        check(
            "text format parsing error in line 0: x",
            false,
            "foo 1\n",
            "the gateway says: text format parsing error in line 0: x",
        );
        check(
            "text format parsing error in line 1: x",
            false,
            "a\tb\u{1b}[31m\u{202e}c",
            "the gateway says: text format parsing error in line 1: x; line 1 of the body is `a\\tb\\u{1b}[31m\\u{202e}c`",
        );
    }

    #[test]
    fn one_line_without_control_characters() {
        check("", false, "", "");
        check(" \n\n", false, "", "");
        check(
            "pushed metrics are invalid: 2 error(s) occurred:\n* a\n* b\n",
            false,
            "",
            "the gateway says: pushed metrics are invalid: 2 error(s) occurred: * a * b",
        );
        check("\u{1b}[2J\u{7}x\r\n", false, "", "the gateway says: \\u{1b}[2J\\u{7}x");
        check("long", true, "", "the gateway says: long … (cut)");
        assert_eq!(AnswerText::new(b"a\xffb", false, b"").unwrap().text(), "a\u{fffd}b");
    }

    #[test]
    fn the_title_or_the_text_of_a_page_is_shown() {
        for (page, expected) in [
            ("<html>\n<head><title>502 Bad\nGateway</title></head>\n<body>…", "502 Bad Gateway"),
            ("<!DOCTYPE html><TITLE lang=en>Sign in</TITLE><p>x", "Sign in"),
            (
                "<html><title></title><body><h1>Not&nbsp;found</h1><p>no such page",
                "Not&nbsp;found no such page",
            ),
            ("<html><style>a{}</style><SCRIPT>var a = '<b>';</script>Forbidden", "Forbidden"),
            ("<html><title>cut in the mid", "cut in the mid"),
            ("<html><body", "an HTML page without text"),
            ("<html><script>", "an HTML page without text"),
            ("<html><body>404 page not found \u{1b}[31m", "404 page not found \\u{1b}[31m"),
        ] {
            check(page, true, "", &format!("the gateway says: {expected}"));
        }
        check("a <b> c", false, "", "the gateway says: a <b> c");
    }

    #[test]
    fn long_lines_are_cut() {
        let long = "é".repeat(100_000);
        let quoted = quote(long.as_bytes(), 1).unwrap();
        assert_eq!(quoted, format!("{}…", "é".repeat(QUOTED_CHARS_MAX)));
        let fits = "x".repeat(QUOTED_CHARS_MAX);
        assert_eq!(quote(fits.as_bytes(), 1).unwrap(), fits);
    }
}
