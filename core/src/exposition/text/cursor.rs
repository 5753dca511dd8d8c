//! A position in one line of a body, and the tokens that both text formats have.

use std::borrow::Cow;

use crate::error::{ParseError, ParseErrorKind};

/// The lines of a body, numbered from 1.
pub(crate) struct Lines<'a> {
    body: &'a [u8],
    /// The whole body, if it is UTF-8. Then no part of it needs another check.
    text: Option<&'a str>,
    /// Where the next line begins. Invariant: at most `body.len()`.
    start: usize,
    /// The number of the last line that was given out.
    number: usize,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(body: &'a [u8]) -> Self {
        Self { body, text: std::str::from_utf8(body).ok(), start: 0, number: 0 }
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Cursor<'a>;

    fn next(&mut self) -> Option<Cursor<'a>> {
        let rest = &self.body[self.start..];
        if rest.is_empty() {
            return None;
        }
        self.number += 1;
        let (line, terminated) = match memchr::memchr(b'\n', rest) {
            Some(end) => (&rest[..end], true),
            None => (rest, false),
        };
        let (text, start, number) = (self.text, self.start, self.number);
        self.start += line.len() + usize::from(terminated);
        Some(Cursor { line, text, start, number, terminated, at: 0 })
    }
}

/// A position in a line.
#[derive(Clone)]
pub(crate) struct Cursor<'a> {
    /// The line without its newline.
    pub(crate) line: &'a [u8],
    /// The whole body, if it is UTF-8.
    text: Option<&'a str>,
    /// Where the line begins in the body.
    start: usize,
    /// The number of the line, from 1.
    pub(crate) number: usize,
    /// Whether a newline ends the line. If not, the body ends with the line.
    terminated: bool,
    /// The position. Invariant: at most `line.len()`.
    at: usize,
}

/// The treatment of a backslash before a character that has no escape in the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnknownEscape {
    /// The backslash is an error, as in text 0.0.4.
    Refuse,
    /// Both characters are kept, as in OpenMetrics.
    Keep,
}

/// An error in a quoted string.
pub(crate) enum QuoteError {
    /// The line ended before the closing quote. With the text up to there.
    Newline(String),
    /// A backslash stands before this character, which is not escaped.
    Escape(char),
    /// The body ended before the closing quote.
    End,
}

impl<'a> Cursor<'a> {
    /// The byte at the position, which is the newline at the end of the line.
    ///
    /// # Errors
    /// `UnexpectedEnd` if the body ends at the position.
    pub(crate) fn peek(&self) -> Result<u8, ParseError> {
        match self.line.get(self.at) {
            Some(byte) => Ok(*byte),
            None if self.terminated => Ok(b'\n'),
            None => Err(self.error(ParseErrorKind::UnexpectedEnd)),
        }
    }

    /// Goes to the next byte, but not beyond the end of the line.
    pub(crate) fn advance(&mut self) {
        self.at = (self.at + 1).min(self.line.len());
    }

    /// Whether a newline ends the line.
    pub(crate) fn is_whole(&self) -> bool {
        self.terminated
    }

    /// The position, in bytes from the start of the line.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// The rest of the line, from the position on.
    pub(crate) fn rest(&self) -> &'a [u8] {
        &self.line[self.at..]
    }

    /// Whether the line has only blanks.
    pub(crate) fn is_blank(&self) -> bool {
        self.line.iter().all(|byte| is_blank(*byte))
    }

    /// The bytes from `from` to the position.
    pub(crate) fn since(&self, from: usize) -> &'a [u8] {
        &self.line[from..self.at]
    }

    /// The bytes from `from` to `to`, if they are UTF-8.
    pub(crate) fn text(&self, from: usize, to: usize) -> Option<&'a str> {
        match self.text {
            Some(body) => body.get(self.start + from..self.start + to),
            None => std::str::from_utf8(&self.line[from..to]).ok(),
        }
    }

    /// Goes to the next byte that is not a blank.
    pub(crate) fn skip_blanks(&mut self) {
        let blanks = self.rest().iter().take_while(|byte| is_blank(**byte)).count();
        self.at += blanks;
    }

    /// Takes `byte`, if it stands at the position. Returns whether it does.
    pub(crate) fn take(&mut self, byte: u8) -> bool {
        let found = self.line.get(self.at) == Some(&byte);
        if found {
            self.at += 1;
        }
        found
    }

    /// Takes bytes as long as they are `wanted`.
    pub(crate) fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> &'a [u8] {
        let from = self.at;
        let rest = self.rest();
        self.at += rest.iter().position(|byte| !wanted(*byte)).unwrap_or(rest.len());
        self.since(from)
    }

    /// Takes everything up to a blank or the end of the line.
    pub(crate) fn take_word(&mut self) -> &'a [u8] {
        self.take_while(|byte| !is_blank(byte))
    }

    /// Takes everything up to the end of the line.
    pub(crate) fn take_rest(&mut self) -> &'a [u8] {
        let from = self.at;
        self.at = self.line.len();
        self.since(from)
    }

    /// Goes to the end of the line.
    ///
    /// # Errors
    /// `UnexpectedEnd` if no newline ends the line.
    pub(crate) fn end(&mut self) -> Result<(), ParseError> {
        self.at = self.line.len();
        self.peek().map(drop)
    }

    /// Takes the rest of a string whose opening quote was taken, with its closing quote. Returns the
    /// unescaped string, or `None` if it is not UTF-8.
    pub(crate) fn take_quoted(
        &mut self,
        unknown: UnknownEscape,
    ) -> Result<Option<Cow<'a, str>>, QuoteError> {
        let from = self.at;
        // Values are short, so a plain loop finds their end sooner than `memchr` does.
        let plain = self.rest().iter().position(|byte| matches!(byte, b'"' | b'\\'));
        match plain {
            Some(length) if self.line[from + length] == b'"' => {
                self.at = from + length + 1;
                Ok(self.text(from, from + length).map(Cow::Borrowed))
            }
            Some(length) => {
                self.at = from + length;
                let value = self.take_escaped(self.line[from..from + length].to_vec(), unknown)?;
                Ok(String::from_utf8(value).ok().map(Cow::Owned))
            }
            None => {
                self.at = self.line.len();
                Err(self.unclosed(self.since(from)))
            }
        }
    }

    /// Takes the rest of a label value whose opening quote, at `from`, was taken.
    ///
    /// # Errors
    /// If the string does not end on its line, has an unknown escape, or is not UTF-8.
    pub(crate) fn take_label_value(
        &mut self,
        from: usize,
        unknown: UnknownEscape,
    ) -> Result<Cow<'a, str>, ParseError> {
        let value = match self.take_quoted(unknown) {
            Ok(value) => value,
            Err(QuoteError::End) => return Err(self.error(ParseErrorKind::UnexpectedEnd)),
            Err(QuoteError::Escape(escaped)) => {
                return Err(self.error(ParseErrorKind::Escape(escaped)));
            }
            Err(QuoteError::Newline(value)) => {
                return Err(self.error_since(from, ParseErrorKind::NewlineInLabelValue(value)));
            }
        };
        value.ok_or_else(|| {
            let quoted = self.since(from);
            let value = quoted.get(1..quoted.len() - 1).unwrap_or_default();
            let value = value.escape_ascii().to_string();
            self.error_since(from, ParseErrorKind::LabelValue(value))
        })
    }

    fn take_escaped(
        &mut self,
        mut value: Vec<u8>,
        unknown: UnknownEscape,
    ) -> Result<Vec<u8>, QuoteError> {
        while let Some(byte) = self.line.get(self.at).copied() {
            self.at += 1;
            match byte {
                b'"' => return Ok(value),
                b'\\' => match self.line.get(self.at).copied() {
                    Some(escaped @ (b'"' | b'\\')) => value.push(escaped),
                    Some(b'n') => value.push(b'\n'),
                    Some(kept) if unknown == UnknownEscape::Keep => value.extend([b'\\', kept]),
                    Some(_) => return Err(QuoteError::Escape(self.char())),
                    None if self.terminated => return Err(QuoteError::Escape('\n')),
                    None => return Err(QuoteError::End),
                },
                byte => {
                    value.push(byte);
                    continue;
                }
            }
            self.at += 1;
        }
        Err(self.unclosed(&value))
    }

    fn unclosed(&self, value: &[u8]) -> QuoteError {
        if self.terminated { QuoteError::Newline(lossy(value)) } else { QuoteError::End }
    }

    /// The character at the position, for an error. It is a newline at the end of the line.
    pub(crate) fn char(&self) -> char {
        let rest = self.rest();
        let head = &rest[..rest.len().min(4)];
        String::from_utf8_lossy(head).chars().next().unwrap_or('\n')
    }

    /// An error about the character at the position.
    pub(crate) fn error(&self, kind: ParseErrorKind) -> ParseError {
        self.error_at(self.at, self.at, kind)
    }

    /// An error about the text from `from` to the position.
    pub(crate) fn error_since(&self, from: usize, kind: ParseErrorKind) -> ParseError {
        self.error_at(from, self.at, kind)
    }

    fn error_at(&self, from: usize, to: usize, kind: ParseErrorKind) -> ParseError {
        let characters = |bytes: &[u8]| String::from_utf8_lossy(bytes).chars().count();
        ParseError {
            line: self.number,
            column: characters(&self.line[..from]) + 1,
            width: characters(&self.line[from..to]).max(1),
            kind,
        }
    }
}

pub(crate) fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// The bytes as text, if they are UTF-8.
pub(crate) fn utf8(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

/// Text of the body for an error message. Long text is cut.
pub(crate) fn lossy(bytes: &[u8]) -> String {
    const BYTES_MAX: usize = 160;
    match bytes.get(..BYTES_MAX) {
        Some(start) if bytes.len() > BYTES_MAX => String::from_utf8_lossy(start).into_owned() + "…",
        _ => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// Unescapes `\\`, `\n` and `\"` in a help text.
///
/// # Errors
/// For an unknown escape that is refused: the position of the character behind the backslash, and the
/// character.
pub(crate) fn unescape_help(
    text: &[u8],
    unknown: UnknownEscape,
) -> Result<Cow<'_, str>, (usize, char)> {
    if !text.contains(&b'\\') {
        return Ok(String::from_utf8_lossy(text));
    }
    let mut help = Vec::with_capacity(text.len());
    let mut bytes = text.iter().enumerate();
    while let Some((_, byte)) = bytes.next() {
        let unescaped = match byte {
            b'\\' => match bytes.next() {
                Some((_, b'\\')) => b'\\',
                Some((_, b'n')) => b'\n',
                Some((_, b'"')) => b'"',
                other if unknown == UnknownEscape::Keep => {
                    help.push(b'\\');
                    help.extend(other.map(|(_, byte)| *byte));
                    continue;
                }
                Some((at, byte)) => return Err((at, char::from(*byte))),
                None => return Err((text.len(), '\n')),
            },
            byte => *byte,
        };
        help.push(unescaped);
    }
    Ok(Cow::Owned(String::from_utf8_lossy(&help).into_owned()))
}

/// Parses a float as Go's `strconv.ParseFloat` does, but without hexadecimal floats and underscores.
pub(crate) fn parse_float(text: &[u8]) -> Option<f64> {
    if let Some(value) = parse_short_decimal(text) {
        return Some(value);
    }
    let text = std::str::from_utf8(text).ok()?;
    let value: f64 = text.parse().ok()?;
    let unsigned = text.trim_start_matches(['+', '-']);
    let is_word = unsigned.starts_with(['i', 'I', 'n', 'N']);
    match value {
        value if value.is_nan() => (unsigned.len() == text.len()).then_some(value),
        value if value.is_infinite() => is_word.then_some(value),
        value => Some(value),
    }
}

/// Parses a decimal without sign and exponent, if it has at most fifteen digits.
///
/// One division gives the nearest float, because the digits as an integer and the power of ten are both
/// exact floats. Source: Clinger, "How to read floating point numbers accurately", 1990.
#[inline]
fn parse_short_decimal(text: &[u8]) -> Option<f64> {
    const DIGITS_MAX: usize = 15;
    const POWERS: [f64; DIGITS_MAX + 1] =
        [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];
    let (mut number, mut digits, mut point) = (0_u64, 0, None);
    if text.len() > DIGITS_MAX + 1 {
        return None;
    }
    for byte in text {
        match byte {
            b'0'..=b'9' => {
                number = number * 10 + u64::from(byte - b'0');
                digits += 1;
            }
            b'.' if point.is_none() => point = Some(digits),
            _ => return None,
        }
    }
    if digits == 0 || digits > DIGITS_MAX {
        return None;
    }
    let fraction = point.map_or(0, |point| digits - point);
    #[expect(clippy::cast_precision_loss, reason = "less than 2^53")]
    Some(number as f64 / POWERS[fraction])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_go_reads_them() {
        let check = |text: &str, expected: Option<f64>| {
            assert_eq!(parse_float(text.as_bytes()), expected, "{text}");
        };
        check("1e3", Some(1000.0));
        check(".5", Some(0.5));
        check("5.", Some(5.0));
        check("+5", Some(5.0));
        check("1e-400", Some(0.0));
        check("1e400", None);
        check("-1e400", None);
        check("inf", Some(f64::INFINITY));
        check("+Infinity", Some(f64::INFINITY));
        check("-INF", Some(f64::NEG_INFINITY));
        check("0.1", Some(0.1));
        check("123456789.012345", Some(123_456_789.012_345));
        check("0.00000000000001", Some(1e-14));
        check("999999999999999", Some(999_999_999_999_999.0));
        check("9007199254740993", Some(9_007_199_254_740_992.0));
        check("1.2.3", None);
        check("+NaN", None);
        check("", None);
        check("0x10", None);
        check("0x1p-2", None);
        check("1_000", None);
        check("abc", None);
        check(".", None);
        check("1\r", None);
        assert!(parse_float(b"nan").unwrap().is_nan());
        assert!(parse_float(b"NaN").unwrap().is_nan());
    }

    #[test]
    fn short_decimals_are_read_as_the_standard_library_reads_them() {
        let mut rng = fastrand::Rng::with_seed(15);
        for _ in 0..100_000 {
            let digits: String = (0..rng.usize(1..=16)).map(|_| rng.digit(10)).collect();
            let (whole, fraction) = digits.split_at(rng.usize(0..=digits.len()));
            let text = format!("{whole}.{fraction}");
            assert_eq!(parse_float(text.as_bytes()), Some(text.parse().unwrap()), "{text}");
        }
    }
}
