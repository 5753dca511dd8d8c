//! Labels in text: `a="1",b="2"`, without the braces around them.

/// Iterates over labels that [`write_labels`](prompush_core::text::write_labels) wrote. An item is a name and a value;
/// the value is still escaped.
#[derive(Clone, Debug)]
pub(crate) struct WrittenLabels<'a>(pub(crate) &'a [u8]);

impl<'a> Iterator for WrittenLabels<'a> {
    type Item = (&'a [u8], &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let name_end = self.0.iter().position(|byte| *byte == b'=')?;
        let (name, rest) = self.0.split_at_checked(name_end)?;
        let rest = rest.get(2..)?; // Skips `="`.
        let mut value_end = 0;
        while *rest.get(value_end)? != b'"' {
            value_end += if rest.get(value_end) == Some(&b'\\') { 2 } else { 1 };
        }
        let (value, rest) = rest.split_at_checked(value_end)?;
        self.0 = rest.get(2..).unwrap_or_default(); // Skips `",`.
        Some((name, value))
    }
}

/// Replaces the escape sequences of a label value by the characters that they stand for.
pub(crate) fn unescape(value: &[u8]) -> Vec<u8> {
    let mut unescaped = Vec::with_capacity(value.len());
    let mut bytes = value.iter();
    while let Some(&byte) = bytes.next() {
        match (byte, byte == b'\\') {
            (_, true) => match bytes.next() {
                Some(b'n') => unescaped.push(b'\n'),
                Some(&other) => unescaped.push(other),
                None => {}
            },
            (byte, false) => unescaped.push(byte),
        }
    }
    unescaped
}
