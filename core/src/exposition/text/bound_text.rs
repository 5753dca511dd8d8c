//! The text of bucket bounds and quantiles.

use crate::exposition::Format;
use crate::exposition::text::{WriteNumber, write_float, write_float_go};

/// The value of a label `le` or `quantile`, in the spelling of a format.
///
/// OpenMetrics wants a point or an exponent in it: `5.0`, where text 0.0.4 has `5`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bound {
    pub(crate) value: f64,
    pub(crate) format: Format,
}

impl WriteNumber for Bound {
    fn write_number(&self, out: &mut Vec<u8>) {
        if self.format != Format::OpenMetrics {
            return write_float(out, self.value);
        }
        let from = out.len();
        write_float_go(out, self.value);
        if self.value.is_finite() && !out[from..].iter().any(|byte| matches!(byte, b'.' | b'e')) {
            out.extend_from_slice(b".0");
        }
    }
}

/// A [`Bound`] that is written already, with what follows it: `0.5"} `.
///
/// The array is as long as the longest such text. Copying a fixed number of bytes and cutting the
/// rest off is faster than copying a number of bytes that is known only at run time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BoundText {
    bytes: [u8; 32],
    length: usize,
}

impl BoundText {
    pub(crate) fn new(value: f64, format: Format) -> Self {
        let mut text = Vec::new();
        // At most 24 bytes before `"} `, as in `-1.7976931348623157e+308`.
        Bound { value, format }.write_bound(&mut text);
        let mut bytes = [0; 32];
        bytes[..text.len()].copy_from_slice(&text);
        Self { bytes, length: text.len() }
    }

    /// Appends the text.
    #[inline]
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let end = out.len() + self.length;
        out.extend_from_slice(&self.bytes);
        out.truncate(end);
    }
}

impl WriteNumber for &BoundText {
    #[inline]
    fn write_number(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.bytes[..self.length - b"\"} ".len()]);
    }

    #[inline]
    fn write_bound(&self, out: &mut Vec<u8>) {
        self.write(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_bounds_are_written_whole() {
        let check = |bound: f64, format: Format, expected: &str| {
            let mut out = Vec::new();
            BoundText::new(bound, format).write(&mut out);
            assert_eq!(String::from_utf8_lossy(&out), format!("{expected}\"}} "));
        };
        check(-f64::MAX, Format::Text, "-1.7976931348623157e+308");
        check(-f64::MAX, Format::OpenMetrics, "-1.7976931348623157e+308");
        check(-1.234_567_890_123_456_7e-5, Format::Text, "-0.000012345678901234568");
        check(-1.234_567_890_123_456_7e-4, Format::OpenMetrics, "-0.00012345678901234567");
        check(-1e15, Format::Text, "-1000000000000000");
        check(5.0, Format::OpenMetrics, "5.0");
        check(f64::INFINITY, Format::Text, "+Inf");
    }
}
