//! The fields of a sample in OpenMetrics, apart from its name and its value.

use std::borrow::Cow;

use crate::error::{OpenMetricsRule as Rule, ParseError, ParseErrorKind as Kind};
use crate::exposition::text::{Cursor, UnknownEscape, lossy, parse_float, utf8};
use crate::labels::Label;
use crate::name::is_label_name;

/// Removes the label with the bucket's bound or the quantile from `labels`, and returns its value.
pub(crate) fn take_bound(
    line: &Cursor<'_>,
    family: &str,
    label: &'static str,
    labels: &mut Vec<Label<'_>>,
) -> Result<f64, ParseError> {
    let value = take_label(line, family, label, labels)?.value;
    parse_bound(label, &value).ok_or_else(|| {
        let (is_number, value) = (parse_float(value.as_bytes()).is_some(), value.into_owned());
        line.error(match label {
            _ if is_number => Rule::Bound { family: family.to_owned(), label, value }.into(),
            "le" => Kind::Le(value),
            _ => Kind::QuantileLabel(value),
        })
    })
}

/// The value of a label `le` or `quantile`, if it is allowed there.
pub(crate) fn parse_bound(label: &str, value: &str) -> Option<f64> {
    let bound = parse_float(value.as_bytes())?;
    let is_allowed = match label {
        "le" if bound == f64::INFINITY => value == "+Inf",
        "le" => !bound.is_nan(),
        _ => (0.0..=1.0).contains(&bound),
    };
    is_allowed.then_some(bound)
}

/// Removes the label called `wanted` from `labels`.
pub(crate) fn take_label<'a>(
    line: &Cursor<'_>,
    family: &str,
    wanted: &str,
    labels: &mut Vec<Label<'a>>,
) -> Result<Label<'a>, ParseError> {
    let Some(at) = labels.iter().position(|label| label.name == wanted) else {
        let (family, label) = (family.to_owned(), wanted.to_owned());
        return Err(line.error(Rule::MissingLabel { family, label }.into()));
    };
    Ok(labels.remove(at))
}

/// Reads what stands between the braces, and the closing brace.
pub(crate) fn take_labels<'a>(
    line: &mut Cursor<'a>,
    metric: &str,
) -> Result<Vec<Label<'a>>, ParseError> {
    let mut labels: Vec<Label<'a>> = Vec::new();
    while !line.take(b'}') {
        if !labels.is_empty() && !line.take(b',') {
            let value = labels.last().map_or_else(String::new, |label| label.value.to_string());
            return Err(line.error(Kind::EndOfLabelValue(value)));
        }
        let from = line.at();
        let name = utf8(line.take_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_'))
            .unwrap_or_default();
        if !is_label_name(name) {
            return Err(line.error_since(from, Kind::LabelName(metric.to_owned())));
        }
        if name == "__name__" {
            return Err(line.error_since(from, Kind::ReservedLabel));
        }
        if name.starts_with("__") {
            return Err(line.error_since(from, Kind::LabelNameText(name.to_owned())));
        }
        if labels.iter().any(|label| label.name == name) {
            return Err(line.error_since(from, Kind::DuplicateLabel(metric.to_owned())));
        }
        if !line.take(b'=') {
            line.peek()?;
            return Err(line.error(Kind::NoEquals(line.char())));
        }
        let from = line.at();
        if !line.take(b'"') {
            line.peek()?;
            return Err(line.error(Kind::NoQuote(line.char())));
        }
        let value = line.take_label_value(from, UnknownEscape::Keep)?;
        labels.push(Label { name: Cow::Borrowed(name), value });
    }
    Ok(labels)
}

/// Reads a timestamp, if there is one. It is given in seconds, with or without a fraction, and returned in
/// milliseconds.
pub(crate) fn take_timestamp(line: &mut Cursor<'_>) -> Result<Option<i64>, ParseError> {
    if line.rest().is_empty() || line.rest().starts_with(b" # ") {
        return Ok(None);
    }
    line.take(b' ');
    let from = line.at();
    let word = line.take_word();
    let seconds = parse_float(word).filter(|seconds| seconds.abs() < 1e15);
    let error = || line.error_since(from, Kind::Timestamp(lossy(word)));
    let milliseconds = (seconds.ok_or_else(error)? * 1000.0).round();
    #[expect(clippy::cast_possible_truncation, reason = "less than 1e18, and rounded")]
    Ok(Some(milliseconds as i64))
}

/// Reads and checks an exemplar, if there is one.
pub(crate) fn take_exemplar(line: &mut Cursor<'_>, allowed: bool) -> Result<(), ParseError> {
    const LABEL_CHARACTERS_MAX: usize = 128;
    let refuse = |line: &Cursor<'_>, why| line.error(Rule::Exemplar(why).into());
    if line.rest().is_empty() {
        return Ok(());
    }
    if !line.take(b' ') || !line.take(b'#') || !line.take(b' ') || !line.take(b'{') {
        return Err(line.error(Kind::AfterTimestamp(lossy(line.rest()))));
    }
    if !allowed {
        return Err(refuse(line, "only counters and buckets have one"));
    }
    let labels = take_labels(line, "exemplar")?;
    let length = |label: &Label<'_>| label.name.chars().count() + label.value.chars().count();
    if labels.iter().map(length).sum::<usize>() > LABEL_CHARACTERS_MAX {
        return Err(refuse(line, "its labels have more than 128 characters"));
    }
    if !line.take(b' ') || parse_float(line.take_word()).is_none() {
        return Err(refuse(line, "its value is not a number"));
    }
    if line.take(b' ') && parse_float(line.take_word()).is_none() {
        return Err(refuse(line, "its timestamp is not a number"));
    }
    if line.rest().is_empty() { Ok(()) } else { Err(refuse(line, "something follows it")) }
}
