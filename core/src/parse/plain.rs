//! The head of a sample in the form in which programs write it, read in one pass.
//!
//! `name value` or `name{a="b",c="d"} value`: no blank but the one before the value, nothing
//! quoted but label values, nothing escaped in those, no label name twice, no timestamp.
//! Whatever is not so is left to the parser that knows everything and says what is wrong; this
//! one only makes the usual case half as long.

use std::borrow::Cow;

use super::cursor::{Cursor, is_blank};
use crate::exposition::Label;
use crate::name::{is_label_name_byte, is_metric_name_byte};

/// Reads up to the value, and gives the sample's name; pushes its labels to `labels`.
///
/// `None` if the line is not in that form; then `labels` may hold some of them, and the cursor
/// stands where it was.
#[inline]
pub(super) fn take_head<'a>(line: &mut Cursor<'a>, labels: &mut Vec<Label<'a>>) -> Option<&'a str> {
    let bytes = line.line;
    if line.at() != 0 || !line.is_whole() || bytes.first()?.is_ascii_digit() {
        return None;
    }
    let name_end = bytes.iter().position(|byte| !is_metric_name_byte(*byte))?;
    let value_from = match bytes[name_end] {
        b' ' => name_end,
        b'{' => take_labels(line, name_end + 1, labels)?,
        _ => return None,
    } + 1;
    let value = bytes.get(value_from..)?;
    if name_end == 0 || bytes[value_from - 1] != b' ' || value.iter().any(|byte| is_blank(*byte)) {
        return None;
    }
    line.jump(value_from);
    line.text(0, name_end)
}

/// Reads the labels from `at` on, and gives the place behind the closing brace.
#[inline]
fn take_labels<'a>(line: &Cursor<'a>, mut at: usize, labels: &mut Vec<Label<'a>>) -> Option<usize> {
    let bytes = line.line;
    loop {
        let name = bytes.get(at..)?;
        let length = name.iter().position(|byte| !is_label_name_byte(*byte))?;
        if length == 0 || name[0].is_ascii_digit() || !name[length..].starts_with(b"=\"") {
            return None;
        }
        let value_from = at + length + 2;
        let rest = &bytes[value_from..];
        let value_length = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
        let name = line.text(at, at + length)?;
        let value = line.text(value_from, value_from + value_length)?;
        let is_new = name != "__name__" && labels.iter().all(|label| label.name != name);
        if rest[value_length] != b'"' || !is_new {
            return None;
        }
        labels.push(Label { name: Cow::Borrowed(name), value: Cow::Borrowed(value) });
        at = value_from + value_length + 2;
        match bytes.get(at - 1)? {
            b',' => {}
            b'}' if at < bytes.len() => return Some(at),
            _ => return None,
        }
    }
}
