//! A body as it was read, with harmless faults repaired.

use std::fmt;

use crate::exposition::Format;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// One body as a program wrote it: text 0.0.4 or OpenMetrics, from a file or a pipe.
///
/// Harmless faults that a gateway would refuse are [repaired](Repair) when the body is made.
#[derive(Clone, Debug)]
pub struct Body {
    pub(crate) bytes: Vec<u8>,
    pub(crate) format: Format,
    pub(crate) is_format_given: bool,
    pub(crate) repairs: Vec<Repair>,
}

impl Body {
    /// A body in the text format that it [seems](Format::detect) to be in.
    pub fn new(bytes: Vec<u8>) -> Self {
        let (bytes, repairs) = repair(bytes);
        let format = Format::detect(&bytes);
        Self { bytes, format, is_format_given: false, repairs }
    }

    /// A body in `format`.
    pub fn in_format(bytes: Vec<u8>, format: Format) -> Self {
        let (bytes, repairs) = repair(bytes);
        Self { bytes, format, is_format_given: true, repairs }
    }

    /// The bytes, with harmless faults repaired.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The body's format.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The changes that were made to the body.
    pub fn repairs(&self) -> &[Repair] {
        &self.repairs
    }
}

/// A kind of bytes that are not text, recognised by the first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotText {
    /// UTF-16, by its byte order mark.
    Utf16,
    /// A gzip stream.
    Gzip,
}

impl NotText {
    /// Detects bytes that are not text.
    pub fn detect(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some(Self::Utf16),
            [0x1f, 0x8b, ..] => Some(Self::Gzip),
            _ => None,
        }
    }
}

/// A repaired fault: it is harmless, but a gateway would refuse the body because of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Repair {
    /// The body began with a byte order mark, which is dropped.
    ByteOrderMark,
    /// Lines ended in CR LF, and end in LF now. The number is the first such line, from 1.
    WindowsLineEnds(usize),
    /// The last line had no line end, and has one now. The number is that line, from 1.
    NoFinalNewline(usize),
}

impl Repair {
    /// The line of the fault, from 1.
    pub fn line(self) -> usize {
        match self {
            Self::ByteOrderMark => 1,
            Self::WindowsLineEnds(line) | Self::NoFinalNewline(line) => line,
        }
    }
}

impl fmt::Display for Repair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fault = match self {
            Self::ByteOrderMark => "the body begins with a byte order mark",
            Self::WindowsLineEnds(_) => "lines end in CR LF",
            Self::NoFinalNewline(_) => "the last line has no line end",
        };
        write!(f, "{fault}: a gateway refuses this, so it is repaired before a push")
    }
}

/// Repairs harmless faults. Returns the body and what was changed in it.
fn repair(mut bytes: Vec<u8>) -> (Vec<u8>, Vec<Repair>) {
    let mut repairs = Vec::new();
    if bytes.starts_with(BYTE_ORDER_MARK) {
        bytes.drain(..BYTE_ORDER_MARK.len());
        repairs.push(Repair::ByteOrderMark);
    }
    if let Some(at) = bytes.windows(2).position(|pair| pair == b"\r\n") {
        repairs.push(Repair::WindowsLineEnds(line_of(&bytes, at)));
        drop_carriage_returns(&mut bytes);
    }
    if bytes.last().is_some_and(|last| *last != b'\n') {
        let line = line_of(&bytes, bytes.len());
        // A CR alone at the very end: the LF that followed it was cut off.
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
        bytes.push(b'\n');
        repairs.push(Repair::NoFinalNewline(line));
    }
    (bytes, repairs)
}

/// Drops each CR that stands before an LF, in place.
fn drop_carriage_returns(bytes: &mut Vec<u8>) {
    let mut kept = 0;
    for at in 0..bytes.len() {
        if bytes[at] == b'\r' && bytes.get(at + 1) == Some(&b'\n') {
            continue;
        }
        bytes[kept] = bytes[at];
        kept += 1;
    }
    bytes.truncate(kept);
}

/// The number of the line that holds the byte at `at`, from 1.
fn line_of(bytes: &[u8], at: usize) -> usize {
    bytes[..at].split(|byte| *byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_not_text_are_detected() {
        assert_eq!(NotText::detect(b"\xff\xfea\0"), Some(NotText::Utf16));
        assert_eq!(NotText::detect(b"\x1f\x8b\x08"), Some(NotText::Gzip));
        assert_eq!(NotText::detect(b"a 1\n"), None);
        assert_eq!(Body::new(b"a 1\r\n# EOF\r\n".to_vec()).format(), Format::OpenMetrics);
        assert_eq!(Body::new(b"a 1\n".to_vec()).format(), Format::Text);
    }

    #[test]
    fn harmless_faults_are_repaired() {
        use Repair::{ByteOrderMark, NoFinalNewline, WindowsLineEnds};
        let check = |body: &str, expected: &str, repairs: &[Repair]| {
            let (bytes, found) = repair(body.as_bytes().to_vec());
            assert_eq!(
                (String::from_utf8(bytes).unwrap().as_str(), found.as_slice()),
                (expected, repairs)
            );
        };
        check("", "", &[]);
        check("a 1\n", "a 1\n", &[]);
        check("a 1", "a 1\n", &[NoFinalNewline(1)]);
        check("\na 1\r\nb 2\r\n", "\na 1\nb 2\n", &[WindowsLineEnds(2)]);
        check(
            "\u{feff}a 1\r\nb 2",
            "a 1\nb 2\n",
            &[ByteOrderMark, WindowsLineEnds(1), NoFinalNewline(2)],
        );
        check("a{b=\"\r\"} 1\n", "a{b=\"\r\"} 1\n", &[]);
        check("a 1\r", "a 1\n", &[NoFinalNewline(1)]);
        check("a 1\r\r\n", "a 1\r\n", &[WindowsLineEnds(1)]);
    }
}
