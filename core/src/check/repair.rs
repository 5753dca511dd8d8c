//! Harmless faults of a body, which are repaired before a push.

use std::fmt;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

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
pub(crate) fn repair(mut bytes: Vec<u8>) -> (Vec<u8>, Vec<Repair>) {
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
