//! The escapes of the text formats, and labels written with them.

/// Writes a label value without its quotes: `\`, `"` and the line feed are escaped.
pub fn write_label_value(out: &mut Vec<u8>, value: &str) {
    if is_plain_label_value(value) {
        return out.extend_from_slice(value.as_bytes());
    }
    write_escaped(out, value, |byte| matches!(byte, b'\\' | b'"' | b'\n'));
}

/// Whether a label value has nothing to escape.
pub(crate) fn is_plain_label_value(value: &str) -> bool {
    let special = |special, byte| special | matches!(byte, b'\\' | b'"' | b'\n');
    !value.bytes().fold(false, special)
}

/// Writes labels as they stand between the braces: `a="1",b="2"`, values escaped.
pub fn write_labels<'l>(out: &mut Vec<u8>, labels: impl IntoIterator<Item = (&'l str, &'l str)>) {
    let mut is_first = true;
    for (name, value) in labels {
        if !is_first {
            out.push(b',');
        }
        is_first = false;
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"=\"");
        write_label_value(out, value);
        out.push(b'"');
    }
}

/// Writes a help text as text 0.0.4 has it: `\` and the line feed are escaped.
pub fn write_help(out: &mut Vec<u8>, help: &str) {
    write_escaped(out, help, |byte| matches!(byte, b'\\' | b'\n'));
}

fn write_escaped(out: &mut Vec<u8>, value: &str, is_special: impl Fn(u8) -> bool) {
    let mut plain_from = 0;
    for (at, byte) in value.bytes().enumerate() {
        if is_special(byte) {
            out.extend_from_slice(&value.as_bytes()[plain_from..at]);
            out.push(b'\\');
            out.push(if byte == b'\n' { b'n' } else { byte });
            plain_from = at + 1;
        }
    }
    out.extend_from_slice(&value.as_bytes()[plain_from..]);
}
