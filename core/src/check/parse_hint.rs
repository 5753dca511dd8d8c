//! What to do about an error of the parser.

use crate::check::body::Body;
use crate::check::hint::Hint;
use crate::error::ParseErrorKind as Kind;
use crate::exposition::format::Format;

/// What to do about `error`, which the parser found in `body`.
pub(crate) fn parse_hint(body: &Body, error: &Kind) -> Option<Hint> {
    let is_text = body.format == Format::Text;
    match error {
        Kind::UnknownType(word) if is_text && is_openmetrics_type(word) => {
            Some(Hint::TypeOfOpenMetrics)
        }
        Kind::Timestamp(word) | Kind::AfterTimestamp(word) if is_text && word.starts_with('#') => {
            Some(Hint::ExemplarInText)
        }
        Kind::Timestamp(_) if is_text => Some(Hint::NothingAfterValue),
        Kind::OpenMetrics(_) if !body.is_format_given => Some(Hint::MaybeNotOpenMetrics),
        Kind::SecondHelp(_) | Kind::SecondType(_) => Some(Hint::MetadataOnce),
        Kind::MetricName if is_web_page(&body.bytes) => Some(Hint::WebPage),
        Kind::MetricName if is_text => Some(Hint::SampleSyntax),
        Kind::NoQuote(_) => Some(Hint::QuoteLabelValues),
        Kind::NoEquals(_) | Kind::LabelName(_) => Some(Hint::LabelSyntax),
        Kind::Value(word) if word.is_empty() => Some(Hint::ValueMissing),
        Kind::Value(word) if is_rest_of_name(word) => Some(Hint::NameSyntax),
        Kind::Value(word) if is_number_with(word, ',') => Some(Hint::DecimalPoint),
        Kind::Value(word) if is_number_with(word, '%') => Some(Hint::NoUnit),
        _ => None,
    }
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
