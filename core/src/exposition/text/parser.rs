//! The parser of text 0.0.4.
//!
//! The parser decides as the parser of Pushgateway 1.11 does: `prometheus/common`, `expfmt/text_parse.go`,
//! with legacy names.

use std::borrow::Cow;

use crate::error::{ParseError, ParseErrorKind as Kind};
use crate::exposition::sample_names::Suffix;
use crate::exposition::text::{
    Cursor, ExpositionBuilder, FamilyBuilder, Lines, PlainSampleReader, QuoteError, UnknownEscape,
    is_blank, lossy, parse_float, store_value, unescape_help,
};
use crate::exposition::{Exposition, MetricType};
use crate::labels::{Label, Labels};
use crate::name::{is_label_name, is_label_name_byte, is_metric_name, is_metric_name_byte};

/// Parses a body. Calls `on_error` for each error, which returns whether to go on with the next line.
pub(crate) fn parse<'a>(
    body: &'a [u8],
    on_error: &mut dyn FnMut(ParseError) -> bool,
) -> Exposition<'a> {
    let mut families = ExpositionBuilder::default();
    let mut fast_path = FastPath::default();
    for mut line in Lines::new(body) {
        if fast_path.store_sample(&line, &mut families) {
            continue;
        }
        fast_path.last_family = None;
        if let Err(error) = parse_line(&mut line, &mut families)
            && !on_error(error)
        {
            break;
        }
    }
    families.finish()
}

/// The fast path for samples as programs write them: in plain form, and mostly of the same family as
/// the sample before.
#[derive(Default)]
struct FastPath<'a> {
    reader: PlainSampleReader<'a>,
    /// The name and the family of the sample before, if that line was in plain form too.
    last_family: Option<(&'a str, SampleFamily)>,
}

impl<'a> FastPath<'a> {
    /// Stores the line's sample, if the line is a correct sample in plain form. Returns whether it is.
    fn store_sample(&mut self, line: &Cursor<'a>, families: &mut ExpositionBuilder<'a>) -> bool {
        let Some(sample) = self.reader.read(line) else { return false };
        let (family, suffix) = match self.last_family {
            Some((name, family)) if name == sample.name => family,
            _ => {
                let family = sample_family(families, Cow::Borrowed(sample.name));
                families.get(family.0).metric_type.get_or_insert(MetricType::Untyped);
                self.last_family = Some((sample.name, family));
                family
            }
        };
        let bound_name = match families.metric_type(family) {
            Some(MetricType::Histogram) => "le",
            Some(MetricType::Summary) => "quantile",
            _ => "",
        };
        let (mut labels, mut bound) = (sample.labels, None);
        match sample.last {
            Some(last) if last.name == bound_name => {
                let Some(number) = parse_float(last.value.as_bytes()) else { return false };
                (labels, bound) = (last.others, bound_of(number));
            }
            // The label with the bound may stand before other labels.
            Some(_) if contains_label(labels, bound_name) => return false,
            _ => {}
        }
        if negative_count_error(families.get(family), suffix, bound, sample.value).is_some() {
            return false;
        }
        let metric = families.metric(family, Labels::from_text(labels), line.number);
        store_value(&mut metric.value, suffix, bound, sample.value);
        true
    }
}

fn contains_label(labels: &str, wanted: &str) -> bool {
    !wanted.is_empty() && Labels::from_text(labels).iter().any(|(name, _)| name == wanted)
}

/// The value of `le` or `quantile`. NaN counts as a missing label, because the gateway's parser uses
/// NaN to mark one.
fn bound_of(number: f64) -> Option<f64> {
    Some(number).filter(|number| !number.is_nan())
}

fn parse_line<'a>(
    line: &mut Cursor<'a>,
    families: &mut ExpositionBuilder<'a>,
) -> Result<(), ParseError> {
    line.skip_blanks();
    if line.rest().is_empty() {
        // A last line of blanks needs no newline.
        return Ok(());
    }
    if line.take(b'#') {
        parse_comment(line, families)?;
        return line.end();
    }
    parse_sample(line, families)
}

fn parse_comment<'a>(
    line: &mut Cursor<'a>,
    families: &mut ExpositionBuilder<'a>,
) -> Result<(), ParseError> {
    line.skip_blanks();
    let keyword = line.take_word();
    if !matches!(keyword, b"HELP" | b"TYPE") || line.peek()? == b'\n' {
        return Ok(());
    }
    line.skip_blanks();
    let from = line.at();
    let name = take_name(line, is_metric_name_byte, Kind::NewlineInMetricName)?;
    match line.peek()? {
        b'\n' => return Ok(()),
        byte if is_blank(byte) => {}
        _ => return Err(line.error(Kind::MetricNameInComment)),
    }
    let (family, _) = checked_sample_family(families, line, from, name)?;
    line.skip_blanks();
    if line.peek()? == b'\n' {
        return Ok(());
    }
    if keyword == b"HELP" {
        parse_help(line, families, family)
    } else {
        parse_type(line, families, family)
    }
}

fn parse_help<'a>(
    line: &mut Cursor<'a>,
    families: &mut ExpositionBuilder<'a>,
    family: usize,
) -> Result<(), ParseError> {
    let builder = families.get(family);
    if builder.help.is_some() {
        return Err(line.error(Kind::SecondHelp(builder.name.clone().into_owned())));
    }
    let from = line.at();
    let help = unescape_help(line.rest(), UnknownEscape::Refuse);
    builder.help = Some(help.map_err(|(at, escaped)| {
        line.take_rest();
        let mut error = line.error_since(from, Kind::Escape(escaped));
        (error.column, error.width) = (error.column + at.saturating_sub(1), 2);
        error
    })?);
    Ok(())
}

fn parse_type<'a>(
    line: &mut Cursor<'a>,
    families: &mut ExpositionBuilder<'a>,
    family: usize,
) -> Result<(), ParseError> {
    let builder = families.get(family);
    if builder.metric_type.is_some() {
        return Err(line.error(Kind::SecondType(builder.name.clone().into_owned())));
    }
    let from = line.at();
    // The gateway's parser drops backslashes here.
    let word: Vec<u8> = line.take_rest().iter().copied().filter(|byte| *byte != b'\\').collect();
    line.peek()?;
    builder.metric_type = Some(match word.to_ascii_lowercase().as_slice() {
        b"counter" => MetricType::Counter,
        b"gauge" => MetricType::Gauge,
        b"summary" => MetricType::Summary,
        b"untyped" => MetricType::Untyped,
        b"histogram" | b"gaugehistogram" | b"gauge_histogram" => MetricType::Histogram,
        _ => return Err(line.error_since(from, Kind::UnknownType(lossy(&word)))),
    });
    Ok(())
}

/// The index of the family that a sample name belongs to. With the suffix of the name, if the family is
/// a histogram or a summary whose name the sample name has before the suffix.
type SampleFamily = (usize, Option<Suffix>);

/// As [`sample_family`], for a name that may not be allowed. `from` is where the name begins.
fn checked_sample_family<'a>(
    families: &mut ExpositionBuilder<'a>,
    line: &Cursor<'a>,
    from: usize,
    name: Cow<'a, str>,
) -> Result<SampleFamily, ParseError> {
    if !is_metric_name(&name) {
        return Err(line.error_since(from, Kind::MetricNameText(name.into_owned())));
    }
    Ok(sample_family(families, name))
}

/// The family that a name belongs to. Creates the family if there is none.
fn sample_family<'a>(families: &mut ExpositionBuilder<'a>, name: Cow<'a, str>) -> SampleFamily {
    if let Some(family) = families.find_exact(&name) {
        return (family, None);
    }
    if let Some((family, suffix)) = families.find_compound_family(&name) {
        return (family, Some(suffix));
    }
    (families.find_or_create(name), None)
}

/// The family and the labels of a sample, as far as the parser has read them.
#[derive(Default)]
struct PartialSample<'a> {
    family: Option<SampleFamily>,
    labels: Vec<Label<'a>>,
    /// The bucket's bound or the quantile, in a histogram or a summary.
    bound: Option<f64>,
}

fn parse_sample<'a>(
    line: &mut Cursor<'a>,
    families: &mut ExpositionBuilder<'a>,
) -> Result<(), ParseError> {
    let mut sample = PartialSample::default();
    parse_name_and_labels(line, families, &mut sample)?;
    let Some((family, suffix)) = sample.family else {
        return Err(line.error(Kind::MetricName));
    };
    let from = line.at();
    let word = line.take_word();
    line.peek()?;
    let value = parse_float(word)
        .ok_or_else(|| line.error_since(from, Kind::Value(lossy(line.since(from)))))?;
    let refused = negative_count_error(families.get(family), suffix, sample.bound, value);
    if let Some(kind) = refused {
        return Err(line.error_since(from, kind));
    }
    let metric = families.metric(family, sample.labels.into(), line.number);
    store_value(&mut metric.value, suffix, sample.bound, value);
    if line.peek()? != b'\n' {
        metric.timestamp_ms = Some(parse_timestamp(line)?);
    }
    Ok(())
}

/// Reads a sample's name and labels in any form. The name may also be quoted, inside the braces.
fn parse_name_and_labels<'a>(
    line: &mut Cursor<'a>,
    families: &mut ExpositionBuilder<'a>,
    sample: &mut PartialSample<'a>,
) -> Result<(), ParseError> {
    if line.peek()? != b'{' {
        let from = line.at();
        let name = take_name(line, is_metric_name_byte, Kind::NewlineInMetricName)?;
        if name.is_empty() {
            return Err(line.error(Kind::MetricName));
        }
        sample.family = Some(checked_sample_family(families, line, from, name)?);
        default_to_untyped(families, sample);
        line.skip_blanks();
    }
    if line.peek()? == b'{' {
        line.advance();
        parse_labels(line, families, sample)?;
        line.skip_blanks();
    }
    Ok(())
}

fn default_to_untyped(families: &mut ExpositionBuilder<'_>, sample: &PartialSample<'_>) {
    if let Some((family, _)) = sample.family {
        families.get(family).metric_type.get_or_insert(MetricType::Untyped);
    }
}

fn negative_count_error(
    family: &FamilyBuilder<'_>,
    suffix: Option<Suffix>,
    bound: Option<f64>,
    value: f64,
) -> Option<Kind> {
    if family.metric_type != Some(MetricType::Histogram) || value >= 0.0 || value.is_nan() {
        return None;
    }
    match suffix {
        Some(Suffix::Count) => Some(Kind::NegativeCount(family.name.to_string())),
        Some(Suffix::Sum) => None,
        _ => bound.map(|_| Kind::NegativeBucket(family.name.to_string())),
    }
}

fn parse_timestamp(line: &mut Cursor<'_>) -> Result<i64, ParseError> {
    line.skip_blanks();
    let from = line.at();
    let word = line.take_word();
    line.peek()?;
    let timestamp = std::str::from_utf8(word)
        .ok()
        .and_then(|word| word.parse().ok())
        .ok_or_else(|| line.error_since(from, Kind::Timestamp(lossy(word))))?;
    let from = line.at();
    let rest = line.take_rest();
    line.peek()?;
    match rest {
        [] => Ok(timestamp),
        rest => Err(line.error_since(from, Kind::AfterTimestamp(lossy(rest)))),
    }
}

/// Reads what stands between the braces, and the closing brace.
fn parse_labels<'a>(
    line: &mut Cursor<'a>,
    families: &mut ExpositionBuilder<'a>,
    sample: &mut PartialSample<'a>,
) -> Result<(), ParseError> {
    let name_is_missing = sample.family.is_none();
    loop {
        line.skip_blanks();
        if line.peek()? == b'}' {
            if sample.family.is_none() {
                return Err(line.error(Kind::MetricName));
            }
            line.advance();
            return Ok(());
        }
        let from = line.at();
        let name = take_name(line, is_label_name_byte, Kind::NewlineInLabelName)?;
        if name.is_empty() {
            return Err(line.error(Kind::LabelName(family_name(families, sample))));
        }
        line.skip_blanks();
        let is_label = line.peek()? == b'=';
        if is_label {
            line.advance();
            parse_label(line, families, sample, from, name)?;
        } else if name_is_missing {
            parse_name_in_braces(line, families, sample, from, name)?;
        } else {
            return Err(line.error(Kind::NoEquals(line.char())));
        }
        match line.peek()? {
            b',' => line.advance(),
            b'}' if sample.family.is_none() => return Err(line.error(Kind::MetricName)),
            b'}' => {
                line.advance();
                return Ok(());
            }
            _ => {
                let value = sample.labels.last().map_or_else(String::new, |l| l.value.to_string());
                return Err(line.error(Kind::EndOfLabelValue(value)));
            }
        }
    }
}

fn parse_name_in_braces<'a>(
    line: &Cursor<'a>,
    families: &mut ExpositionBuilder<'a>,
    sample: &mut PartialSample<'a>,
    from: usize,
    name: Cow<'a, str>,
) -> Result<(), ParseError> {
    if sample.family.is_some() {
        let family = family_name(families, sample);
        return Err(line.error_since(from, Kind::MultipleMetricNames(family)));
    }
    if !matches!(line.peek()?, b',' | b'}') {
        return Err(line.error(Kind::EndOfMetricName(line.char())));
    }
    sample.family = Some(checked_sample_family(families, line, from, name)?);
    default_to_untyped(families, sample);
    Ok(())
}

fn parse_label<'a>(
    line: &mut Cursor<'a>,
    families: &mut ExpositionBuilder<'a>,
    sample: &mut PartialSample<'a>,
    from: usize,
    name: Cow<'a, str>,
) -> Result<(), ParseError> {
    if name == "__name__" {
        return Err(line.error_since(from, Kind::ReservedLabel));
    }
    if !is_label_name(&name) {
        return Err(line.error_since(from, Kind::LabelNameText(name.into_owned())));
    }
    let family_type = sample.family.and_then(|(family, _)| families.metric_type(family));
    let is_bound = matches!(
        (family_type, &*name),
        (Some(MetricType::Histogram), "le") | (Some(MetricType::Summary), "quantile")
    );
    if !is_bound && sample.labels.iter().any(|label| label.name == name) {
        let family = family_name(families, sample);
        return Err(line.error_since(from, Kind::DuplicateLabel(family)));
    }
    line.skip_blanks();
    if line.peek()? != b'"' {
        return Err(line.error(Kind::NoQuote(line.char())));
    }
    let from = line.at();
    line.advance();
    let value = line.take_label_value(from, UnknownEscape::Refuse)?;
    line.skip_blanks();
    if !is_bound {
        sample.labels.push(Label { name, value });
        return Ok(());
    }
    let bound = parse_float(value.as_bytes()).ok_or_else(|| {
        let value = value.into_owned();
        let kind = if name == "le" { Kind::Le(value) } else { Kind::QuantileLabel(value) };
        line.error_since(from, kind)
    })?;
    sample.bound = bound_of(bound);
    Ok(())
}

fn family_name(families: &mut ExpositionBuilder<'_>, sample: &PartialSample<'_>) -> String {
    match sample.family {
        Some((family, _)) => families.get(family).name.clone().into_owned(),
        None => String::new(),
    }
}

/// Takes a name, which may be quoted. The name is empty if no name begins here.
fn take_name<'a>(
    line: &mut Cursor<'a>,
    is_name_byte: impl Fn(u8) -> bool,
    newline: fn(String) -> Kind,
) -> Result<Cow<'a, str>, ParseError> {
    let from = line.at();
    if !line.rest().first().is_some_and(u8::is_ascii_digit) {
        line.take_while(is_name_byte);
    }
    let unquoted = line.text(from, line.at()).unwrap_or_default();
    if !line.take(b'"') {
        line.peek()?;
        return Ok(Cow::Borrowed(unquoted));
    }
    match line.take_quoted(UnknownEscape::Refuse) {
        Ok(name) => {
            line.peek()?;
            // Bytes that are not UTF-8 are replaced: with the replacement, the name is refused too.
            let quoted = name.unwrap_or_else(|| Cow::Owned(lossy(line.since(from))));
            // The gateway's parser allows a quote to open in the middle of a name.
            Ok(if unquoted.is_empty() { quoted } else { Cow::Owned(unquoted.to_owned() + &quoted) })
        }
        Err(QuoteError::End) => Err(line.error(Kind::UnexpectedEnd)),
        Err(QuoteError::Escape(escaped)) => Err(line.error(Kind::Escape(escaped))),
        Err(QuoteError::Newline(name)) => Err(line.error_since(from, newline(name))),
    }
}

#[cfg(test)]
mod tests;
