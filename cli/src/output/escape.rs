//! Escapes text from outside before it is printed: some characters control a terminal, others are invisible.

use std::borrow::Cow;

/// Whether `c` controls a terminal or is invisible.
///
/// Such characters are control characters, line and paragraph separators, and characters that change the direction of
/// writing. The joiner and the variation selectors of emoji are allowed.
pub(crate) fn needs_escape(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}' | '\u{200c}' | '\u{200e}' | '\u{200f}' | '\u{feff}')
        || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}')
}

/// `text` with escapes as in a Rust string for the characters that need them: `\t`, `\u{1b}`.
pub(crate) fn escape_control(text: &str) -> Cow<'_, str> {
    if !text.contains(needs_escape) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if needs_escape(c) {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}

/// Like [`escape_control`], but keeps line feeds. Each line after the first is indented by `indent`.
pub(crate) fn escape_control_lines(text: &str, indent: &str) -> String {
    let lines: Vec<Cow<'_, str>> = text.trim_end().lines().map(escape_control).collect();
    lines.join(&format!("\n{indent}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_escaped() {
        for (text, expected) in [
            ("plain", "plain"),
            ("\u{1b}[31mred", "\\u{1b}[31mred"),
            ("a\tb\nc\r", "a\\tb\\nc\\r"),
            ("\u{202e}abc", "\\u{202e}abc"),
            ("é ☃ 日本 👩\u{200d}💻", "é ☃ 日本 👩\u{200d}💻"),
            ("a\u{85}b", "a\\u{85}b"),
        ] {
            assert_eq!(escape_control(text), expected);
        }
        assert_eq!(escape_control_lines("a\tb\nc\n", "  "), "a\\tb\n  c");
    }
}
