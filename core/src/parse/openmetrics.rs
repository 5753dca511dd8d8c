//! OpenMetrics text 1.0.
//!
//! Turned into the types of text 0.0.4 while it is read: a counter `x` becomes `x_total`, an info
//! and a stateset become gauges, `unknown` becomes untyped, a gauge histogram becomes gauges,
//! `_created` becomes a gauge of its own, exemplars and units are checked and dropped.
//!
//! More lenient than the specification in what client libraries really print: the order of a
//! histogram's samples, `inf` for `+Inf`, and the digits of `le`.

use std::borrow::Cow;
use std::collections::HashSet;

use super::Recovery;
use super::cursor::{Cursor, Lines, lossy, parse_float, unescape_help};
use super::families::Families;
use super::text::take_label_value;
use crate::error::{OpenMetricsRule as Rule, ParseError, ParseErrorKind as Kind};
use crate::exposition::{Bucket, Exposition, Label, MetricType, MetricValue, Quantile};
use crate::name::{is_label_name, is_metric_name};

pub(super) fn parse<'a>(
    body: &'a [u8],
    on_error: &mut dyn FnMut(ParseError) -> Recovery,
) -> Exposition<'a> {
    let mut parser = Parser::default();
    let mut last = None;
    for mut line in Lines::new(body) {
        let result = parser.line(&mut line);
        last = Some(line);
        if let Err(error) = result
            && on_error(error) == Recovery::Stop
        {
            return parser.families.finish();
        }
    }
    let error_at =
        |line: usize, broken| ParseError { line, column: 1, width: 1, kind: rule(broken) };
    let unfinished = if parser.ended {
        parser.missing_inf_bucket().map(|(line, broken)| error_at(line, broken))
    } else {
        Some(match &last {
            Some(line) => line.error(rule(Rule::NoEof)),
            None => error_at(1, Rule::NoEof),
        })
    };
    if let Some(error) = unfinished {
        on_error(error);
    }
    parser.families.finish()
}

fn rule(rule: Rule) -> Kind {
    Kind::OpenMetrics(rule)
}

/// A type of OpenMetrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind10 {
    Counter,
    Gauge,
    Histogram,
    GaugeHistogram,
    Summary,
    Info,
    StateSet,
    Unknown,
}

impl Kind10 {
    fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::GaugeHistogram => "gaugehistogram",
            Self::Summary => "summary",
            Self::Info => "info",
            Self::StateSet => "stateset",
            Self::Unknown => "unknown",
        }
    }

    fn from_word(word: &[u8]) -> Option<Self> {
        let all = [
            Self::Counter,
            Self::Gauge,
            Self::Histogram,
            Self::GaugeHistogram,
            Self::Summary,
            Self::Info,
            Self::StateSet,
            Self::Unknown,
        ];
        all.into_iter().find(|kind| kind.as_str().as_bytes() == word)
    }

    /// The suffixes of a family's sample names, and what each becomes in text 0.0.4.
    fn suffixes(self) -> &'static [(&'static str, Becomes)] {
        match self {
            Self::Counter => {
                &[("_total", Becomes::Own(MetricType::Counter)), ("_created", Becomes::GAUGE)]
            }
            Self::Gauge | Self::StateSet => &[("", Becomes::GAUGE)],
            Self::Unknown => &[("", Becomes::Own(MetricType::Untyped))],
            Self::Info => &[("_info", Becomes::GAUGE)],
            Self::GaugeHistogram => &[
                ("_bucket", Becomes::GAUGE),
                ("_gcount", Becomes::GAUGE),
                ("_gsum", Becomes::GAUGE),
            ],
            Self::Histogram => &[
                ("_bucket", Becomes::Bucket),
                ("_count", Becomes::Count),
                ("_sum", Becomes::Sum),
                ("_created", Becomes::GAUGE),
            ],
            Self::Summary => &[
                ("", Becomes::Quantile),
                ("_count", Becomes::Count),
                ("_sum", Becomes::Sum),
                ("_created", Becomes::GAUGE),
            ],
        }
    }
}

/// What a sample becomes in text 0.0.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Becomes {
    /// A metric of a family that has the sample's own name.
    Own(MetricType),
    Bucket,
    Quantile,
    Count,
    Sum,
}

impl Becomes {
    const GAUGE: Self = Self::Own(MetricType::Gauge);
}

/// The family whose block is being read.
struct Block<'a> {
    name: &'a str,
    kind: Option<Kind10>,
    help: Option<Cow<'a, str>>,
    unit: Option<&'a str>,
    has_samples: bool,
}

#[derive(Default)]
struct Parser<'a> {
    families: Families<'a>,
    block: Option<Block<'a>>,
    /// The names of all blocks so far.
    seen: HashSet<&'a str>,
    ended: bool,
}

impl<'a> Parser<'a> {
    fn line(&mut self, line: &mut Cursor<'a>) -> Result<(), ParseError> {
        if self.ended {
            return Err(whole(line, rule(Rule::AfterEof)));
        }
        if line.is_blank() {
            return Err(whole(line, rule(Rule::EmptyLine)));
        }
        if line.line == b"# EOF" {
            // The one line that needs no newline.
            self.ended = true;
            return Ok(());
        }
        if line.take(b'#') {
            self.metadata(line)?;
        } else {
            self.sample(line)?;
        }
        line.end()
    }

    fn metadata(&mut self, line: &mut Cursor<'a>) -> Result<(), ParseError> {
        let comment = |line: &Cursor<'a>| whole(line, rule(Rule::Comment));
        if !line.take(b' ') {
            return Err(comment(line));
        }
        let keyword = line.take_word();
        if !matches!(keyword, b"HELP" | b"TYPE" | b"UNIT") || !line.take(b' ') {
            return Err(comment(line));
        }
        let from = line.at();
        let name = line.take_word();
        let name = text_name(name)
            .filter(|name| is_metric_name(name))
            .ok_or_else(|| line.error_since(from, Kind::MetricNameText(lossy(name))))?;
        if !line.take(b' ') && line.peek()? != b'\n' {
            return Err(line.error(Kind::MetricNameInComment));
        }
        self.open(line, name)?;
        let Some(block) = &mut self.block else { return Ok(()) };
        if block.has_samples {
            return Err(whole(line, rule(Rule::MetadataAfterSamples(name.to_owned()))));
        }
        let from = line.at();
        let rest = line.take_rest();
        let error = |kind| Err(line.error_since(from, kind));
        match keyword {
            b"HELP" if block.help.is_some() => error(Kind::SecondHelp(name.to_owned())),
            b"HELP" => match unescape_help(rest) {
                Ok(help) => {
                    block.help = Some(help);
                    Ok(())
                }
                Err((_, escaped)) => error(Kind::Escape(escaped)),
            },
            b"TYPE" if block.kind.is_some() => error(Kind::SecondType(name.to_owned())),
            b"TYPE" => match Kind10::from_word(rest) {
                Some(kind) => {
                    block.kind = Some(kind);
                    Ok(())
                }
                None => error(Kind::UnknownType(lossy(rest))),
            },
            _ if block.unit.is_some() => error(rule(Rule::SecondUnit(name.to_owned()))),
            _ => {
                let unit = text_name(rest).unwrap_or_default();
                let ends = name.strip_suffix(unit).is_some_and(|stem| stem.ends_with('_'));
                block.unit = Some(unit);
                if unit.is_empty() || ends {
                    return Ok(());
                }
                error(rule(Rule::Unit { family: name.to_owned(), unit: unit.to_owned() }))
            }
        }
    }

    /// Begins the block of `name`, unless it is the one being read.
    fn open(&mut self, line: &Cursor<'a>, name: &'a str) -> Result<(), ParseError> {
        if self.block.as_ref().is_some_and(|block| block.name == name) {
            return Ok(());
        }
        let is_new = self.seen.insert(name);
        self.block = Some(Block { name, kind: None, help: None, unit: None, has_samples: false });
        if is_new { Ok(()) } else { Err(whole(line, rule(Rule::Interleaved(name.to_owned())))) }
    }

    fn sample(&mut self, line: &mut Cursor<'a>) -> Result<(), ParseError> {
        let from = line.at();
        let name = line.take_while(|byte| !matches!(byte, b' ' | b'{'));
        let name = text_name(name).filter(|name| is_metric_name(name));
        let Some(name) = name else { return Err(line.error_since(from, Kind::MetricName)) };
        let (kind, family, becomes) = self.belongs(line, name)?;
        let labels = if line.take(b'{') { labels(line, name)? } else { Vec::new() };
        if !line.take(b' ') {
            return Err(line.error(Kind::Value(lossy(line.rest()))));
        }
        let value_at = line.at();
        let word = line.take_word();
        let value = parse_float(word)
            .ok_or_else(|| line.error_since(value_at, Kind::Value(lossy(word))))?;
        check_value(kind, becomes, name, value)
            .map_err(|broken| line.error_since(value_at, rule(broken)))?;
        let timestamp_ms = timestamp(line)?;
        let may_have_exemplar = matches!(
            (kind, becomes),
            (Kind10::Counter, Becomes::Own(MetricType::Counter)) | (_, Becomes::Bucket)
        ) || (kind == Kind10::GaugeHistogram && name.ends_with("_bucket"));
        exemplar(line, may_have_exemplar)?;
        let sample = Sample { name, family, kind, becomes, labels, value, timestamp_ms };
        self.store(line, sample)
    }

    /// The block that a sample belongs to; a sample without metadata is a block of its own.
    fn belongs(
        &mut self,
        line: &Cursor<'a>,
        name: &'a str,
    ) -> Result<(Kind10, &'a str, Becomes), ParseError> {
        if let Some(block) = &self.block {
            let kind = block.kind.unwrap_or(Kind10::Unknown);
            if let Some(suffix) = name.strip_prefix(block.name) {
                let known = kind.suffixes().iter().find(|(known, _)| *known == suffix);
                if let Some((_, becomes)) = known {
                    return Ok((kind, block.name, *becomes));
                }
                if suffix.is_empty() {
                    return Err(line.error_since(
                        0,
                        rule(Rule::Suffix {
                            sample: name.to_owned(),
                            kind: kind.as_str(),
                            family: block.name.to_owned(),
                        }),
                    ));
                }
            }
        }
        self.open(line, name)?;
        Ok((Kind10::Unknown, name, Becomes::Own(MetricType::Untyped)))
    }

    fn store(&mut self, line: &Cursor<'a>, sample: Sample<'a>) -> Result<(), ParseError> {
        let Sample { name, family, kind, becomes, mut labels, value, timestamp_ms } = sample;
        let bound = match becomes {
            Becomes::Bucket => Some(bound(line, family, "le", &mut labels)?),
            Becomes::Quantile => Some(bound(line, family, "quantile", &mut labels)?),
            _ => None,
        };
        if kind == Kind10::StateSet && !labels.iter().any(|label| label.name == family) {
            let (family, label) = (family.to_owned(), family.to_owned());
            return Err(line.error(rule(Rule::MissingLabel { family, label })));
        }
        let (stored_name, metric_type) = match becomes {
            Becomes::Own(metric_type) => (name, metric_type),
            _ if kind == Kind10::Summary => (family, MetricType::Summary),
            _ => (family, MetricType::Histogram),
        };
        let stored = self.families.find_or_create(Cow::Borrowed(stored_name));
        let draft = self.families.get(stored);
        draft.metric_type.get_or_insert(metric_type);
        if let Some(block) = &mut self.block {
            block.has_samples = true;
            if draft.help.is_none() && !name.ends_with("_created") {
                draft.help.clone_from(&block.help);
            }
        }
        let metric = self.families.metric(stored, &mut labels, line.number);
        metric.timestamp_ms = timestamp_ms.or(metric.timestamp_ms);
        put(&mut metric.value, becomes, bound, value);
        Ok(())
    }

    /// The line of the first histogram that has buckets, but no last one.
    fn missing_inf_bucket(&self) -> Option<(usize, Rule)> {
        let lacks = |value: &MetricValue| match value {
            MetricValue::Histogram(histogram) => {
                !histogram.buckets.is_empty() && !histogram.has_inf_bucket()
            }
            _ => false,
        };
        self.families.iter().find_map(|family| {
            let metric = family.metrics.iter().find(|metric| lacks(&metric.value))?;
            Some((metric.line, Rule::NoInfBucket(family.name.to_string())))
        })
    }
}

struct Sample<'a> {
    name: &'a str,
    family: &'a str,
    kind: Kind10,
    becomes: Becomes,
    labels: Vec<Label<'a>>,
    value: f64,
    timestamp_ms: Option<i64>,
}

/// An error about the whole line.
fn whole(line: &Cursor<'_>, kind: Kind) -> ParseError {
    let mut end = line.clone();
    end.take_rest();
    end.error_since(0, kind)
}

fn text_name(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

fn put(to: &mut MetricValue, becomes: Becomes, bound: Option<f64>, value: f64) {
    match (to, becomes, bound) {
        (MetricValue::Number(number), ..) => *number = value,
        (MetricValue::Histogram(histogram), Becomes::Count, _) => histogram.count = value,
        (MetricValue::Histogram(histogram), Becomes::Sum, _) => histogram.sum = value,
        (MetricValue::Histogram(histogram), _, Some(upper_bound)) => {
            histogram.buckets.push(Bucket { upper_bound, cumulative_count: value });
        }
        (MetricValue::Summary(summary), Becomes::Count, _) => summary.count = value,
        (MetricValue::Summary(summary), Becomes::Sum, _) => summary.sum = value,
        (MetricValue::Summary(summary), _, Some(quantile)) => {
            summary.quantiles.push(Quantile { quantile, value });
        }
        (_, _, None) => {}
    }
}

fn check_value(kind: Kind10, becomes: Becomes, name: &str, value: f64) -> Result<(), Rule> {
    let counts = matches!(becomes, Becomes::Own(MetricType::Counter) | Becomes::Bucket)
        || (becomes == Becomes::Count);
    if counts && (value < 0.0 || value.is_nan()) {
        return Err(Rule::Negative(name.to_owned()));
    }
    let is = |state: f64| value.total_cmp(&state).is_eq();
    let is_state = match kind {
        Kind10::Info => is(1.0),
        Kind10::StateSet => is(0.0) || is(1.0),
        _ => true,
    };
    if is_state { Ok(()) } else { Err(Rule::State(name.to_owned())) }
}

/// Takes the label that says which bucket or quantile it is.
fn bound(
    line: &Cursor<'_>,
    family: &str,
    wanted: &str,
    labels: &mut Vec<Label<'_>>,
) -> Result<f64, ParseError> {
    let Some(at) = labels.iter().position(|label| label.name == wanted) else {
        let (family, label) = (family.to_owned(), wanted.to_owned());
        return Err(line.error(rule(Rule::MissingLabel { family, label })));
    };
    let value = labels.remove(at).value;
    parse_float(value.as_bytes()).ok_or_else(|| {
        let value = value.into_owned();
        line.error(if wanted == "le" { Kind::Le(value) } else { Kind::QuantileLabel(value) })
    })
}

/// What stands between the braces, and the closing brace.
fn labels<'a>(line: &mut Cursor<'a>, metric: &str) -> Result<Vec<Label<'a>>, ParseError> {
    let mut labels: Vec<Label<'a>> = Vec::new();
    while !line.take(b'}') {
        if !labels.is_empty() && !line.take(b',') {
            let value = labels.last().map_or_else(String::new, |label| label.value.to_string());
            return Err(line.error(Kind::EndOfLabelValue(value)));
        }
        if !labels.is_empty() && line.take(b'}') {
            break;
        }
        let from = line.at();
        let name = text_name(line.take_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_'))
            .unwrap_or_default();
        if !is_label_name(name) {
            return Err(line.error_since(from, Kind::LabelName(metric.to_owned())));
        }
        if name == "__name__" {
            return Err(line.error_since(from, Kind::ReservedLabel));
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
        let value = take_label_value(line, from)?;
        labels.push(Label { name: Cow::Borrowed(name), value });
    }
    Ok(labels)
}

/// Seconds, which may have a fraction, in milliseconds.
fn timestamp(line: &mut Cursor<'_>) -> Result<Option<i64>, ParseError> {
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

fn exemplar(line: &mut Cursor<'_>, allowed: bool) -> Result<(), ParseError> {
    const LABEL_CHARACTERS_MAX: usize = 128;
    let refuse = |line: &Cursor<'_>, why| line.error(rule(Rule::Exemplar(why)));
    if line.rest().is_empty() {
        return Ok(());
    }
    if !line.take(b' ') || !line.take(b'#') || !line.take(b' ') || !line.take(b'{') {
        return Err(line.error(Kind::AfterTimestamp(lossy(line.rest()))));
    }
    if !allowed {
        return Err(refuse(line, "only counters and buckets have one"));
    }
    let labels = labels(line, "exemplar")?;
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

#[cfg(test)]
#[path = "openmetrics_tests.rs"]
mod tests;
