//! Text 0.0.4, decided as the parser of Pushgateway 1.11 decides it
//! (`prometheus/common`, `expfmt/text_parse.go`, legacy names).

use std::borrow::Cow;

use super::Recovery;
use super::cursor::{
    Cursor, Lines, QuoteError, UnknownEscape, is_blank, lossy, parse_float, unescape_help,
};
use super::families::{Draft, Families, Suffix};
use super::plain::PlainReader;
use crate::error::{ParseError, ParseErrorKind as Kind};
use crate::exposition::{Bucket, Exposition, Label, MetricType, MetricValue, Quantile};
use crate::labels::Labels;
use crate::name::{is_label_name, is_label_name_byte, is_metric_name, is_metric_name_byte};

pub(super) fn parse<'a>(
    body: &'a [u8],
    on_error: &mut dyn FnMut(ParseError) -> Recovery,
) -> Exposition<'a> {
    let mut families = Families::default();
    let mut usual = UsualCase::default();
    for mut line in Lines::new(body) {
        if usual.take(&line, &mut families) {
            continue;
        }
        usual.place = None;
        if let Err(error) = parse_line(&mut line, &mut families)
            && on_error(error) == Recovery::Stop
        {
            break;
        }
    }
    families.finish()
}

/// Samples as programs write them: plain, and mostly of the family of the one before.
#[derive(Default)]
struct UsualCase<'a> {
    reader: PlainReader<'a>,
    /// Where the plain sample before belongs, if no line came between.
    place: Option<(&'a str, Place)>,
}

impl<'a> UsualCase<'a> {
    /// Whether the line was such a sample, and nothing is wrong with it: then it is stored.
    fn take(&mut self, line: &Cursor<'a>, families: &mut Families<'a>) -> bool {
        let Some(sample) = self.reader.read(line) else { return false };
        let (family, suffix) = match self.place {
            Some((name, place)) if name == sample.name => place,
            _ => {
                let place = place_of(families, Cow::Borrowed(sample.name));
                families.get(place.0).metric_type.get_or_insert(MetricType::Untyped);
                self.place = Some((sample.name, place));
                place
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
            // The bound may stand before other labels.
            Some(_) if has_label(labels, bound_name) => return false,
            _ => {}
        }
        if negative_count(families.get(family), suffix, bound, sample.value).is_some() {
            return false;
        }
        let metric = families.metric(family, Labels::plain(labels), line.number);
        store(&mut metric.value, suffix, bound, sample.value);
        true
    }
}

fn has_label(labels: &str, wanted: &str) -> bool {
    !wanted.is_empty() && Labels::plain(labels).iter().any(|(name, _)| name == wanted)
}

/// What stands in `le` or `quantile`: NaN is how the gateway's parser says that there is no bound.
fn bound_of(number: f64) -> Option<f64> {
    Some(number).filter(|number| !number.is_nan())
}

fn parse_line<'a>(line: &mut Cursor<'a>, families: &mut Families<'a>) -> Result<(), ParseError> {
    line.skip_blanks();
    if line.rest().is_empty() {
        // Blanks at the very end of the body are not an unfinished line.
        return Ok(());
    }
    if line.take(b'#') {
        parse_comment(line, families)?;
        return line.end();
    }
    parse_sample(line, families)
}

fn parse_comment<'a>(line: &mut Cursor<'a>, families: &mut Families<'a>) -> Result<(), ParseError> {
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
    let (family, _) = find_or_create(families, line, from, name)?;
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
    families: &mut Families<'a>,
    family: usize,
) -> Result<(), ParseError> {
    let draft = families.get(family);
    if draft.help.is_some() {
        return Err(line.error(Kind::SecondHelp(draft.name.clone().into_owned())));
    }
    let from = line.at();
    let help = unescape_help(line.rest(), UnknownEscape::Refuse);
    draft.help = Some(help.map_err(|(at, escaped)| {
        line.take_rest();
        let mut error = line.error_since(from, Kind::Escape(escaped));
        (error.column, error.width) = (error.column + at.saturating_sub(1), 2);
        error
    })?);
    Ok(())
}

fn parse_type<'a>(
    line: &mut Cursor<'a>,
    families: &mut Families<'a>,
    family: usize,
) -> Result<(), ParseError> {
    let draft = families.get(family);
    if draft.metric_type.is_some() {
        return Err(line.error(Kind::SecondType(draft.name.clone().into_owned())));
    }
    let from = line.at();
    // The gateway's parser drops backslashes here.
    let word: Vec<u8> = line.take_rest().iter().copied().filter(|byte| *byte != b'\\').collect();
    line.peek()?;
    draft.metric_type = Some(match word.to_ascii_lowercase().as_slice() {
        b"counter" => MetricType::Counter,
        b"gauge" => MetricType::Gauge,
        b"summary" => MetricType::Summary,
        b"untyped" => MetricType::Untyped,
        b"histogram" | b"gaugehistogram" | b"gauge_histogram" => MetricType::Histogram,
        _ => return Err(line.error_since(from, Kind::UnknownType(lossy(&word)))),
    });
    Ok(())
}

/// The family that a name belongs to, and what the name ends in beyond the family's if that is a
/// histogram or a summary.
type Place = (usize, Option<Suffix>);

fn find_or_create<'a>(
    families: &mut Families<'a>,
    line: &Cursor<'a>,
    from: usize,
    name: Cow<'a, str>,
) -> Result<Place, ParseError> {
    if !is_metric_name(&name) {
        return Err(line.error_since(from, Kind::MetricNameText(name.into_owned())));
    }
    Ok(place_of(families, name))
}

fn place_of<'a>(families: &mut Families<'a>, name: Cow<'a, str>) -> Place {
    if let Some(family) = families.find_own(&name) {
        return (family, None);
    }
    if let Some((family, suffix)) = families.find_compound_family(&name) {
        return (family, Some(suffix));
    }
    (families.find_or_create(name), None)
}

/// A sample's name and labels, as far as they are read.
#[derive(Default)]
struct Head<'a> {
    family: Option<Place>,
    labels: Vec<Label<'a>>,
    /// The bucket's bound or the quantile, if the family has such.
    bound: Option<f64>,
}

fn parse_sample<'a>(line: &mut Cursor<'a>, families: &mut Families<'a>) -> Result<(), ParseError> {
    let mut head = Head::default();
    take_head(line, families, &mut head)?;
    let Some((family, suffix)) = head.family else {
        return Err(line.error(Kind::MetricName));
    };
    let from = line.at();
    let word = line.take_word();
    line.peek()?;
    let value = parse_float(word)
        .ok_or_else(|| line.error_since(from, Kind::Value(lossy(line.since(from)))))?;
    let refused = negative_count(families.get(family), suffix, head.bound, value);
    if let Some(kind) = refused {
        return Err(line.error_since(from, kind));
    }
    let metric = families.metric(family, head.labels.into(), line.number);
    store(&mut metric.value, suffix, head.bound, value);
    if line.peek()? != b'\n' {
        metric.timestamp_ms = Some(parse_timestamp(line)?);
    }
    Ok(())
}

/// A sample's name and labels in any form.
fn take_head<'a>(
    line: &mut Cursor<'a>,
    families: &mut Families<'a>,
    head: &mut Head<'a>,
) -> Result<(), ParseError> {
    if line.peek()? != b'{' {
        let from = line.at();
        let name = take_name(line, is_metric_name_byte, Kind::NewlineInMetricName)?;
        if name.is_empty() {
            return Err(line.error(Kind::MetricName));
        }
        head.family = Some(find_or_create(families, line, from, name)?);
        fix_type(families, head);
        line.skip_blanks();
    }
    if line.peek()? == b'{' {
        line.advance();
        parse_labels(line, families, head)?;
        line.skip_blanks();
    }
    Ok(())
}

fn fix_type(families: &mut Families<'_>, head: &Head<'_>) {
    if let Some((family, _)) = head.family {
        families.get(family).metric_type.get_or_insert(MetricType::Untyped);
    }
}

fn negative_count(
    family: &Draft<'_>,
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

fn store(to: &mut MetricValue, suffix: Option<Suffix>, bound: Option<f64>, value: f64) {
    match (to, suffix, bound) {
        (MetricValue::Number(number), ..) => *number = value,
        (MetricValue::Histogram(histogram), Some(Suffix::Count), _) => histogram.count = value,
        (MetricValue::Histogram(histogram), Some(Suffix::Sum), _) => histogram.sum = value,
        (MetricValue::Histogram(histogram), _, Some(upper_bound)) => {
            histogram.buckets.push(Bucket { upper_bound, cumulative_count: value });
        }
        // A summary's count is a whole number to the gateway; it cuts what follows the point.
        (MetricValue::Summary(summary), Some(Suffix::Count), _) => summary.count = value.trunc(),
        (MetricValue::Summary(summary), Some(Suffix::Sum), _) => summary.sum = value,
        (MetricValue::Summary(summary), _, Some(quantile)) => {
            summary.quantiles.push(Quantile { quantile, value });
        }
        // A bucket without its bound says nothing, and is no error to the gateway.
        (_, _, None) => {}
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

/// What stands between the braces, and the closing brace.
fn parse_labels<'a>(
    line: &mut Cursor<'a>,
    families: &mut Families<'a>,
    head: &mut Head<'a>,
) -> Result<(), ParseError> {
    let must_name = head.family.is_none();
    loop {
        line.skip_blanks();
        if line.peek()? == b'}' {
            if head.family.is_none() {
                return Err(line.error(Kind::MetricName));
            }
            line.advance();
            return Ok(());
        }
        let from = line.at();
        let name = take_name(line, is_label_name_byte, Kind::NewlineInLabelName)?;
        if name.is_empty() {
            return Err(line.error(Kind::LabelName(family_name(families, head))));
        }
        line.skip_blanks();
        let is_label = line.peek()? == b'=';
        if is_label {
            line.advance();
            parse_label(line, families, head, from, name)?;
        } else if must_name {
            parse_name_in_braces(line, families, head, from, name)?;
        } else {
            return Err(line.error(Kind::NoEquals(line.char())));
        }
        match line.peek()? {
            b',' => line.advance(),
            b'}' if head.family.is_none() => return Err(line.error(Kind::MetricName)),
            b'}' => {
                line.advance();
                return Ok(());
            }
            _ => {
                let value = head.labels.last().map_or_else(String::new, |l| l.value.to_string());
                return Err(line.error(Kind::EndOfLabelValue(value)));
            }
        }
    }
}

fn parse_name_in_braces<'a>(
    line: &Cursor<'a>,
    families: &mut Families<'a>,
    head: &mut Head<'a>,
    from: usize,
    name: Cow<'a, str>,
) -> Result<(), ParseError> {
    if head.family.is_some() {
        let family = family_name(families, head);
        return Err(line.error_since(from, Kind::MultipleMetricNames(family)));
    }
    if !matches!(line.peek()?, b',' | b'}') {
        return Err(line.error(Kind::EndOfMetricName(line.char())));
    }
    head.family = Some(find_or_create(families, line, from, name)?);
    fix_type(families, head);
    Ok(())
}

fn parse_label<'a>(
    line: &mut Cursor<'a>,
    families: &mut Families<'a>,
    head: &mut Head<'a>,
    from: usize,
    name: Cow<'a, str>,
) -> Result<(), ParseError> {
    if name == "__name__" {
        return Err(line.error_since(from, Kind::ReservedLabel));
    }
    if !is_label_name(&name) {
        return Err(line.error_since(from, Kind::LabelNameText(name.into_owned())));
    }
    let family_type = head.family.and_then(|(family, _)| families.metric_type(family));
    let is_bound = matches!(
        (family_type, &*name),
        (Some(MetricType::Histogram), "le") | (Some(MetricType::Summary), "quantile")
    );
    if !is_bound && head.labels.iter().any(|label| label.name == name) {
        let family = family_name(families, head);
        return Err(line.error_since(from, Kind::DuplicateLabel(family)));
    }
    line.skip_blanks();
    if line.peek()? != b'"' {
        return Err(line.error(Kind::NoQuote(line.char())));
    }
    let from = line.at();
    line.advance();
    let value = take_label_value(line, from, UnknownEscape::Refuse)?;
    line.skip_blanks();
    if !is_bound {
        head.labels.push(Label { name, value });
        return Ok(());
    }
    let bound = parse_float(value.as_bytes()).ok_or_else(|| {
        let value = value.into_owned();
        let kind = if name == "le" { Kind::Le(value) } else { Kind::QuantileLabel(value) };
        line.error_since(from, kind)
    })?;
    head.bound = bound_of(bound);
    Ok(())
}

pub(super) fn take_label_value<'a>(
    line: &mut Cursor<'a>,
    from: usize,
    unknown: UnknownEscape,
) -> Result<Cow<'a, str>, ParseError> {
    let value = match line.take_quoted(unknown) {
        Ok(value) => value,
        Err(QuoteError::End) => return Err(line.error(Kind::UnexpectedEnd)),
        Err(QuoteError::Escape(escaped)) => return Err(line.error(Kind::Escape(escaped))),
        Err(QuoteError::Newline(value)) => {
            return Err(line.error_since(from, Kind::NewlineInLabelValue(value)));
        }
    };
    value.ok_or_else(|| {
        let quoted = line.since(from);
        let value = quoted.get(1..quoted.len() - 1).unwrap_or_default();
        line.error_since(from, Kind::LabelValue(value.escape_ascii().to_string()))
    })
}

fn family_name(families: &mut Families<'_>, head: &Head<'_>) -> String {
    match head.family {
        Some((family, _)) => families.get(family).name.clone().into_owned(),
        None => String::new(),
    }
}

/// A name, which may be quoted; empty if none begins here.
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
            // What is not UTF-8 is no name: its replacement is none either.
            let quoted = name.unwrap_or_else(|| Cow::Owned(lossy(line.since(from))));
            // To the gateway's parser a quote may also open in the middle of a name.
            Ok(if unquoted.is_empty() { quoted } else { Cow::Owned(unquoted.to_owned() + &quoted) })
        }
        Err(QuoteError::End) => Err(line.error(Kind::UnexpectedEnd)),
        Err(QuoteError::Escape(escaped)) => Err(line.error(Kind::Escape(escaped))),
        Err(QuoteError::Newline(name)) => Err(line.error_since(from, newline(name))),
    }
}

#[cfg(test)]
#[path = "text_tests.rs"]
mod tests;
