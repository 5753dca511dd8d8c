//! Hints for the errors of the parsers.

use crate::check::{Body, Hint};
use crate::error::ParseErrorKind as Kind;
use crate::exposition::Format;

/// The hint for `error`, which the parser found in `body`.
pub(crate) fn parse_hint(body: &Body, error: &Kind) -> Option<Hint> {
    let is_text = body.format == Format::Text;
    let text = match error {
        Kind::UnknownType(word) if is_text && is_openmetrics_type(word) => {
            return Some(Hint::TypeOfOpenMetrics);
        }
        Kind::Timestamp(word) | Kind::AfterTimestamp(word) if is_text && word.starts_with('#') => {
            "only OpenMetrics has exemplars, and its last line is `# EOF`: is the input incomplete?"
        }
        Kind::Timestamp(_) if is_text => "only a timestamp in milliseconds may follow the value",
        Kind::OpenMetrics(_) if !body.is_format_given => return Some(Hint::MaybeNotOpenMetrics),
        Kind::SecondHelp(_) | Kind::SecondType(_) => {
            "write a family's HELP and TYPE once, before its first sample"
        }
        Kind::MetricName if is_web_page(&body.bytes) => {
            "this is a web page: did the program print an error page instead of metrics?"
        }
        Kind::MetricName if is_text => {
            "write a metric as `name value` or `name{label=\"value\"} value`; a name has letters, digits, `_` and `:`"
        }
        Kind::NoQuote(_) => "put label values in double quotes: `name{label=\"value\"} value`",
        Kind::NoEquals(_) | Kind::LabelName(_) => {
            "write a label as `name=\"value\"`; its name has letters, digits and `_`"
        }
        Kind::Value(word) if word.is_empty() => {
            "write a metric as `name value`: the value is missing"
        }
        Kind::Value(word) if is_rest_of_name(word) => {
            "a metric's name has letters, digits, `_` and `:`; a space separates it from the value"
        }
        Kind::Value(word) if is_number_with(word, ',') => {
            "write the decimal point as `.`, and do not group digits"
        }
        Kind::Value(word) if is_number_with(word, '%') => "write the number without a unit",
        _ => return None,
    };
    Some(Hint::Text(text))
}

/// Whether OpenMetrics has this type and text 0.0.4 has not.
fn is_openmetrics_type(word: &str) -> bool {
    matches!(word, "info" | "stateset" | "unknown" | "gaugehistogram")
}

/// Whether `word` begins with a character that a metric name cannot have, and then goes on like a
/// name.
fn is_rest_of_name(word: &str) -> bool {
    let mut chars = word.chars();
    matches!(chars.next(), Some('-' | '.' | '/')) && chars.next().is_some_and(char::is_alphabetic)
}

/// Whether the body begins like HTML or XML.
fn is_web_page(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().starts_with(b"<")
}

/// Whether `word` begins like a number and holds `c`.
fn is_number_with(word: &str, c: char) -> bool {
    word.starts_with(|first: char| first.is_ascii_digit() || first == '-') && word.contains(c)
}
