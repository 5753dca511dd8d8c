//! Reads attributes, and writes their values as text.

use std::borrow::Cow;
use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use prompush_core::protobuf::{Fields, Reason, Value};

use crate::decode::sub_messages::each_message;

/// An attribute, with its value as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attribute<'a> {
    pub(crate) key: &'a str,
    pub(crate) value: Cow<'a, str>,
}

/// Most attributes of one point or resource. SDKs allow 128.
const ATTRIBUTES_MAX: usize = 1_000;

/// How deep arrays and maps may be nested.
const DEPTH_MAX: usize = 16;

/// Reads a `KeyValue` and appends it to `attributes`.
pub(crate) fn read<'a>(
    key_value: Fields<'a>,
    attributes: &mut Vec<Attribute<'a>>,
) -> Result<(), Reason> {
    if attributes.len() == ATTRIBUTES_MAX {
        return Err("there are more than 1,000 attributes");
    }
    let mut attribute = Attribute { key: "", value: Cow::Borrowed("") };
    key_value.each(|number, value| {
        match number {
            1 => attribute.key = value.text()?,
            // Of several values the last one counts, but each of them is checked.
            2 => attribute.value = any_value(value.message()?)?,
            _ => {}
        }
        Ok(())
    })?;
    attributes.push(attribute);
    Ok(())
}

/// The key of an entry of a map, and its value, an `AnyValue`.
fn key_and_value(key_value: Fields<'_>) -> Result<(&str, Fields<'_>), Reason> {
    let (mut key, mut any_value) = ("", Fields::new(&[]));
    key_value.each(|number, value| {
        match number {
            1 => key = value.text()?,
            2 => any_value = value.message()?,
            _ => {}
        }
        Ok(())
    })?;
    Ok((key, any_value))
}

/// An `AnyValue` as the text of a label value: strings as they are, booleans and numbers in their
/// usual form, bytes in base64, arrays and maps in JSON.
///
/// Source: OpenTelemetry specification, "Attribute representation for non-OTLP protocols".
fn any_value(value: Fields<'_>) -> Result<Cow<'_, str>, Reason> {
    let mut text = Cow::Borrowed("");
    value.each(|number, value| {
        text = match number {
            1 => Cow::Borrowed(value.text()?),
            2..=7 => {
                let mut written = String::new();
                write_plain(&mut written, number, value, DEPTH_MAX)?;
                Cow::Owned(written)
            }
            _ => return Ok(()),
        };
        Ok(())
    })?;
    Ok(text)
}

/// Writes any value except a string. `number` is the number of its field in `AnyValue`.
fn write_plain(
    out: &mut String,
    number: u64,
    value: Value<'_>,
    depth: usize,
) -> Result<(), Reason> {
    match number {
        2 => out.push_str(if value.varint()? == 0 { "false" } else { "true" }),
        3 => write_display(out, value.varint()?.cast_signed()),
        4 => write_double(out, value.double()?),
        5 => {
            write_list(out, ['[', ']'], value.message()?, |out, item| {
                write_json(out, item, depth)
            })?;
        }
        6 => write_list(out, ['{', '}'], value.message()?, |out, entry| {
            let (key, member) = key_and_value(entry)?;
            write_json_text(out, key);
            out.push(':');
            write_json(out, member, depth)
        })?,
        7 => STANDARD.encode_string(value.bytes()?, out),
        _ => {}
    }
    Ok(())
}

fn write_display(out: &mut String, value: impl std::fmt::Display) {
    // Writing to a string cannot fail.
    write!(out, "{value}").unwrap_or_default();
}

/// Writes a number as JavaScript does: with an exponent only below 1e-6, and from 1e21.
fn write_double(out: &mut String, value: f64) {
    let magnitude = value.abs();
    if value.is_nan() {
        out.push_str("NaN");
    } else if value.is_infinite() {
        out.push_str(if value > 0.0 { "Infinity" } else { "-Infinity" });
    } else if value == 0.0 || (1e-6..1e21).contains(&magnitude) {
        write_display(out, value);
    } else {
        let text = format!("{value:e}");
        out.push_str(&if magnitude >= 1.0 { text.replace('e', "e+") } else { text });
    }
}

/// Writes an `AnyValue` in JSON.
fn write_json(out: &mut String, value: Fields<'_>, depth: usize) -> Result<(), Reason> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err("the values of an attribute are nested more than 16 deep");
    };
    let start = out.len();
    out.push_str("null");
    value.each(|number, value| {
        if !(1..=7).contains(&number) {
            return Ok(());
        }
        out.truncate(start); // the last of several values counts
        match number {
            1 => write_json_text(out, value.text()?),
            7 => {
                out.push('"');
                write_plain(out, number, value, depth)?;
                out.push('"');
            }
            _ => write_plain(out, number, value, depth)?,
        }
        Ok(())
    })
}

/// Writes each message in field 1 of `list`, separated by commas, between `open` and `close`.
fn write_list<'a>(
    out: &mut String,
    [open, close]: [char; 2],
    list: Fields<'a>,
    mut write: impl FnMut(&mut String, Fields<'a>) -> Result<(), Reason>,
) -> Result<(), Reason> {
    out.push(open);
    let mut is_first = true;
    each_message(list, 1, |message| {
        if !std::mem::take(&mut is_first) {
            out.push(',');
        }
        write(out, message)
    })?;
    out.push(close);
    Ok(())
}

fn write_json_text(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            control if control < ' ' => {
                write!(out, "\\u{:04x}", u32::from(control)).unwrap_or_default();
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_of_an_attribute_is_checked_and_the_last_one_counts() {
        let key = [0x0a, 1, b'k'];
        let (valid, no_utf8) = ([0x12, 3, 0x0a, 1, b'v'], [0x12, 3, 0x0a, 1, 0xff]);
        let read_values = |values: [[u8; 5]; 2]| {
            let message = [key.as_slice(), &values[0], &values[1]].concat();
            let mut attributes = Vec::new();
            read(Fields::new(&message), &mut attributes)
                .map(|()| attributes.iter().map(|it| it.value.to_string()).collect::<Vec<_>>())
        };
        assert_eq!(read_values([valid, valid]), Ok(vec!["v".to_owned()]));
        assert!(read_values([no_utf8, valid]).is_err());
        assert!(read_values([valid, no_utf8]).is_err());
    }
}
