//! Reads attributes, and writes their values as text.

use std::borrow::Cow;
use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use prompush_core::protobuf::{Fields, Reason, Value};

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
            2 => attribute.value = any_value(value.message()?)?,
            _ => {}
        }
        Ok(())
    })?;
    attributes.push(attribute);
    Ok(())
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
        5 => write_array(out, value.message()?, depth)?,
        6 => write_map(out, value.message()?, depth)?,
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

fn write_array(out: &mut String, array: Fields<'_>, depth: usize) -> Result<(), Reason> {
    out.push('[');
    write_list(out, array, |out, value| write_json(out, value, depth))?;
    out.push(']');
    Ok(())
}

fn write_map(out: &mut String, map: Fields<'_>, depth: usize) -> Result<(), Reason> {
    out.push('{');
    write_list(out, map, |out, entry| {
        let (mut key, mut member) = ("", Fields::new(&[]));
        entry.each(|number, value| {
            match number {
                1 => key = value.text()?,
                2 => member = value.message()?,
                _ => {}
            }
            Ok(())
        })?;
        write_json_text(out, key);
        out.push(':');
        write_json(out, member, depth)
    })?;
    out.push('}');
    Ok(())
}

/// Writes the messages in field 1 of `list`, separated by commas.
fn write_list<'a>(
    out: &mut String,
    list: Fields<'a>,
    mut write: impl FnMut(&mut String, Fields<'a>) -> Result<(), Reason>,
) -> Result<(), Reason> {
    let mut is_first = true;
    list.each(|number, value| {
        if number != 1 {
            return Ok(());
        }
        if !std::mem::take(&mut is_first) {
            out.push(',');
        }
        write(out, value.message()?)
    })
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
