//! A body as it was read, with harmless faults repaired.

use crate::check::repair::{Repair, repair};
use crate::exposition::format::Format;

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

    /// What was changed in the body.
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
}
