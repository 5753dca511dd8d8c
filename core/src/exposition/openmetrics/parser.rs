//! OpenMetrics text 1.0.
//!
//! Turned into the types of text 0.0.4 while it is read: a counter `x` becomes `x_total`, an info
//! and a stateset become gauges, `unknown` becomes untyped, a gauge histogram becomes gauges,
//! `_created` becomes a gauge of its own, exemplars and units are checked and dropped.
//!
//! As strict as the specification, but for what client libraries really print: a sum or a
//! quantile may be negative or NaN, also beside buckets with negative bounds, because that is what
//! observing such values gives; and a number beyond the range of a float is refused, as a gateway
//! refuses it.

use std::borrow::Cow;
use std::collections::HashSet;

use super::Recovery;
use super::cursor::{Cursor, Lines, UnknownEscape, lossy, parse_float, unescape_help};
use super::families::Families;
use super::group::{self, Groups, Points};
use super::openmetrics_fields::{bound, exemplar, labels, parse_bound, take_label, timestamp};
use super::openmetrics_kind::{Becomes, Kind10, check_value, part};
use super::plain::{PlainReader, PlainSample};
use crate::error::{OpenMetricsRule as Rule, ParseError, ParseErrorKind as Kind};
use crate::exposition::{Bucket, Exposition, MetricType, MetricValue, Quantile};
use crate::labels::Labels;
use crate::name::is_metric_name;

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
    parser.close_block();
    let unfinished = if parser.ended {
        parser.late.take().map(|(line, broken)| error_at(line, broken))
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

pub(super) fn rule(rule: Rule) -> Kind {
    Kind::OpenMetrics(rule)
}

/// The family whose block is being read.
struct Block<'a> {
    name: &'a str,
    kind: Option<Kind10>,
    help: Option<Cow<'a, str>>,
    unit: Option<&'a str>,
    has_samples: bool,
    /// Where it begins.
    line: usize,
    groups: Groups<'a>,
}

impl<'a> Block<'a> {
    fn kind(&self) -> Kind10 {
        self.kind.unwrap_or(Kind10::Unknown)
    }

    /// What a sample of that name is here, with the block's name; `None` if it does not belong here.
    fn member(&self, name: &str) -> Option<(Kind10, &'a str, Becomes)> {
        let suffix = name.strip_prefix(self.name)?;
        let kind = self.kind();
        let (_, becomes) = kind.suffixes().iter().find(|(known, _)| *known == suffix)?;
        Some((kind, self.name, *becomes))
    }
}

#[derive(Default)]
struct Parser<'a> {
    families: Families<'a>,
    reader: PlainReader<'a>,
    block: Option<Block<'a>>,
    /// The names of all blocks so far, and of the samples that they may have.
    seen: HashSet<Cow<'a, str>>,
    ended: bool,
    /// The first rule that is seen to be broken only when a metric or a block is over.
    late: Option<(usize, Rule)>,
}

impl<'a> Parser<'a> {
    fn line(&mut self, line: &mut Cursor<'a>) -> Result<(), ParseError> {
        if self.ended {
            return Err(whole(line, rule(Rule::AfterEof)));
        }
        if line.is_blank() {
            return Err(whole(line, rule(Rule::EmptyLine)));
        }
        if line.text(0, line.line.len()).is_none() {
            return Err(whole(line, rule(Rule::NotUtf8)));
        }
        if line.line == b"# EOF" {
            // The one line that needs no newline.
            self.ended = true;
            return Ok(());
        }
        if line.take(b'#') {
            self.metadata(line)?;
            return line.end();
        }
        if let Some(sample) = self.plain_sample(line) {
            return self.store(line, sample);
        }
        let sample = self.sample(line)?;
        self.store(line, sample)?;
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
        if !line.take(b' ') {
            line.peek()?;
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
            b"HELP" => match unescape_help(rest, UnknownEscape::Keep) {
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
        self.close_block();
        let is_known = self.seen.contains(name);
        self.block = Some(Block {
            name,
            kind: None,
            help: None,
            unit: None,
            has_samples: false,
            line: line.number,
            groups: Groups::default(),
        });
        if is_known { Err(whole(line, rule(Rule::Interleaved(name.to_owned())))) } else { Ok(()) }
    }

    /// Ends the block that is being read: now its type is known.
    fn close_block(&mut self) {
        let Some(block) = self.block.take() else { return };
        let kind = block.kind();
        let mut broken = None;
        if block.unit.is_some_and(|unit| !unit.is_empty()) && !kind.may_have_unit() {
            broken = Some(Rule::UnitNotAllowed(block.name.to_owned()));
        }
        self.seen.insert(Cow::Borrowed(block.name));
        for (suffix, _) in kind.suffixes().iter().filter(|(suffix, _)| !suffix.is_empty()) {
            let sample = format!("{}{suffix}", block.name);
            if self.seen.contains(sample.as_str()) {
                let (family, sample) = (block.name.to_owned(), sample.clone());
                broken.get_or_insert(Rule::Clash { family, sample });
            }
            self.seen.insert(Cow::Owned(sample));
        }
        if let Some(broken) = broken {
            self.late.get_or_insert((block.line, broken));
        }
        self.close_metric(kind, block.name, block.groups.finish());
    }

    /// Checks a metric of which all samples were read.
    fn close_metric(&mut self, kind: Kind10, family: &str, done: Option<Points>) {
        if let Some(points) = done
            && matches!(kind, Kind10::Histogram | Kind10::GaugeHistogram)
            && let Err(broken) = points.check_histogram(family)
        {
            self.late.get_or_insert((points.line, broken));
        }
    }

    /// A sample as programs write it, of the block that is being read; `None` if anything is unusual or wrong.
    fn plain_sample(&mut self, line: &Cursor<'a>) -> Option<Sample<'a>> {
        let PlainSample { name, labels, is_ordered, last, value } = self.reader.read(line)?;
        let (kind, family, becomes) = self.block.as_ref()?.member(name)?;
        check_value(kind, becomes, name, value).ok()?;
        if kind == Kind10::StateSet {
            return None;
        }
        let (others, is_ordered, bound) = match (becomes.bound_name(kind, name), last) {
            (None, _) => (labels, is_ordered, None),
            (Some(wanted), Some(last)) if last.name == wanted => {
                let bound = parse_bound(wanted, last.value)?;
                (last.others, last.are_others_ordered, Some(bound))
            }
            (Some(_), _) => return None,
        };
        let group = if is_ordered {
            Cow::Borrowed(others.as_bytes())
        } else {
            Cow::Owned(group::key(Labels::plain(others).iter()))
        };
        let labels = Labels::plain(if becomes.is_part() { others } else { labels });
        let timestamp_ms = None;
        Some(Sample { name, family, kind, becomes, labels, group, bound, value, timestamp_ms })
    }

    fn sample(&mut self, line: &mut Cursor<'a>) -> Result<Sample<'a>, ParseError> {
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
        let mut others = labels.clone();
        let bound_name = becomes.bound_name(kind, name);
        let bound =
            bound_name.map(|wanted| bound(line, family, wanted, &mut others)).transpose()?;
        if kind == Kind10::StateSet {
            take_label(line, family, family, &mut others)?;
        }
        let group = group::key(others.iter().map(|label| (&*label.name, &*label.value))).into();
        let labels = if becomes.is_part() { others } else { labels }.into();
        Ok(Sample { name, family, kind, becomes, labels, group, bound, value, timestamp_ms })
    }

    /// The block that a sample belongs to; a sample without metadata is a block of its own.
    fn belongs(
        &mut self,
        line: &Cursor<'a>,
        name: &'a str,
    ) -> Result<(Kind10, &'a str, Becomes), ParseError> {
        if let Some(block) = &self.block {
            if let Some(member) = block.member(name) {
                return Ok(member);
            }
            if name == block.name {
                let (sample, family) = (name.to_owned(), name.to_owned());
                let kind = block.kind().as_str();
                return Err(line.error_since(0, rule(Rule::Suffix { sample, kind, family })));
            }
        }
        self.open(line, name)?;
        Ok((Kind10::Unknown, name, Becomes::Own(MetricType::Untyped)))
    }

    fn store(&mut self, line: &Cursor<'a>, sample: Sample<'a>) -> Result<(), ParseError> {
        let Sample { name, family, kind, becomes, bound, value, timestamp_ms, .. } = sample;
        let part = part(kind, name, bound, value);
        // The labels of an info are its value.
        let group = if kind == Kind10::Info { Cow::default() } else { sample.group };
        if let Some(block) = &mut self.block {
            let (done, result) =
                block.groups.sample(family, group, line.number, timestamp_ms, part);
            self.close_metric(kind, family, done);
            result.map_err(|broken| whole(line, rule(broken)))?;
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
        let metric = self.families.metric(stored, sample.labels, line.number);
        metric.timestamp_ms = timestamp_ms.or(metric.timestamp_ms);
        put(&mut metric.value, becomes, bound, value);
        Ok(())
    }
}

struct Sample<'a> {
    name: &'a str,
    family: &'a str,
    kind: Kind10,
    becomes: Becomes,
    /// Those that it has in text 0.0.4, beside `le` and `quantile`.
    labels: Labels<'a>,
    /// The key of the metric that it belongs to.
    group: Cow<'a, [u8]>,
    bound: Option<f64>,
    value: f64,
    timestamp_ms: Option<i64>,
}

/// An error about the whole line.
fn whole(line: &Cursor<'_>, kind: Kind) -> ParseError {
    let mut end = line.clone();
    end.take_rest();
    end.error_since(0, kind)
}

pub(super) fn text_name(bytes: &[u8]) -> Option<&str> {
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

#[cfg(test)]
#[path = "openmetrics_tests.rs"]
mod tests;
