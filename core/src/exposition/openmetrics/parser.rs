//! The parser of OpenMetrics text 1.0.
//!
//! The parser turns OpenMetrics into the types of text 0.0.4. A counter `x` becomes `x_total`. Infos,
//! statesets and the samples of a gauge histogram become gauges. `unknown` becomes untyped. `_created`
//! becomes a gauge with that name. Exemplars and units are checked and dropped.
//!
//! The parser is as strict as the specification, with two exceptions. A sum or a quantile may be
//! negative or NaN, also beside buckets with negative bounds, because client libraries print that
//! after such observations. A number beyond the range of a float is refused, because a gateway refuses
//! it.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::error::{OpenMetricsRule as Rule, ParseError, ParseErrorKind as Kind};
use crate::exposition::openmetrics::metric_order::{MetricOrder, MetricPoint, labels_key};
use crate::exposition::openmetrics::metric_type::{
    OpenMetricsType, SampleRole, check_value, histogram_sample,
};
use crate::exposition::openmetrics::sample_fields::{
    parse_bound, take_bound, take_exemplar, take_label, take_labels, take_timestamp,
};
use crate::exposition::sample_names::{BUCKET, CREATED};
use crate::exposition::text::{
    Cursor, ExpositionBuilder, Lines, PlainSample, PlainSampleReader, UnknownEscape, lossy,
    parse_float, store_value, unescape_help, utf8,
};
use crate::exposition::{Exposition, MetricType};
use crate::labels::Labels;
use crate::name::is_metric_name;

/// Parses a body. Calls `on_error` for each error, which returns whether to go on with the next line.
pub(crate) fn parse<'a>(
    body: &'a [u8],
    on_error: &mut dyn FnMut(ParseError) -> bool,
) -> Exposition<'a> {
    let mut parser = Parser::default();
    let mut last = None;
    for mut line in Lines::new(body) {
        let result = parser.line(&mut line);
        last = Some(line);
        if let Err(error) = result
            && !on_error(error)
        {
            return parser.families.finish();
        }
    }
    let error_at =
        |line: usize, rule: Rule| ParseError { line, column: 1, width: 1, kind: rule.into() };
    parser.close_block();
    let unfinished = if parser.ended {
        parser.deferred_error.take().map(|(line, rule)| error_at(line, rule))
    } else {
        Some(match &last {
            Some(line) => line.error(Rule::NoEof.into()),
            None => error_at(1, Rule::NoEof),
        })
    };
    if let Some(error) = unfinished {
        on_error(error);
    }
    parser.families.finish()
}

/// The metric family whose lines are being read. The specification wants them in one block.
struct Block<'a> {
    name: &'a str,
    /// From the `# TYPE` line, if there was one.
    declared_type: Option<OpenMetricsType>,
    help: Option<Cow<'a, str>>,
    unit: Option<&'a str>,
    has_samples: bool,
    /// The first line of the block, from 1.
    line: usize,
    metric_order: MetricOrder<'a>,
}

impl<'a> Block<'a> {
    fn family_type(&self) -> OpenMetricsType {
        self.declared_type.unwrap_or(OpenMetricsType::Unknown)
    }

    /// The type and the name of the family and the role of a sample called `name`, or `None` if the
    /// sample does not belong to this block.
    fn member(&self, name: &str) -> Option<(OpenMetricsType, &'a str, SampleRole)> {
        let suffix = name.strip_prefix(self.name)?;
        let family_type = self.family_type();
        let (_, role) = family_type.suffixes().iter().find(|(known, _)| *known == suffix)?;
        Some((family_type, self.name, *role))
    }
}

/// The state of the parser between two lines.
#[derive(Default)]
struct Parser<'a> {
    families: ExpositionBuilder<'a>,
    reader: PlainSampleReader<'a>,
    block: Option<Block<'a>>,
    /// The names of all finished blocks, and of all samples that those may have.
    used_names: HashSet<Cow<'a, str>>,
    /// Whether `# EOF` was read.
    ended: bool,
    /// The first broken rule that shows only at the end of a metric or of a block, with its line. It
    /// is reported at the end of the body.
    deferred_error: Option<(usize, Rule)>,
}

impl<'a> Parser<'a> {
    fn line(&mut self, line: &mut Cursor<'a>) -> Result<(), ParseError> {
        if self.ended {
            return Err(line_error(line, Rule::AfterEof.into()));
        }
        if line.is_blank() {
            return Err(line_error(line, Rule::EmptyLine.into()));
        }
        if line.text(0, line.line.len()).is_none() {
            return Err(line_error(line, Rule::NotUtf8.into()));
        }
        if line.line == b"# EOF" {
            // The only line that needs no newline at its end.
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
        let comment = |line: &Cursor<'a>| line_error(line, Rule::Comment.into());
        if !line.take(b' ') {
            return Err(comment(line));
        }
        let keyword = line.take_word();
        if !matches!(keyword, b"HELP" | b"TYPE" | b"UNIT") || !line.take(b' ') {
            return Err(comment(line));
        }
        let from = line.at();
        let name = line.take_word();
        let name = utf8(name)
            .filter(|name| is_metric_name(name))
            .ok_or_else(|| line.error_since(from, Kind::MetricNameText(lossy(name))))?;
        if !line.take(b' ') {
            line.peek()?;
            return Err(line.error(Kind::MetricNameInComment));
        }
        self.open(line, name)?;
        let Some(block) = &mut self.block else { return Ok(()) };
        if block.has_samples {
            return Err(line_error(line, Rule::MetadataAfterSamples(name.to_owned()).into()));
        }
        let from = line.at();
        let rest = line.take_rest();
        let error = |error_kind| Err(line.error_since(from, error_kind));
        match keyword {
            b"HELP" if block.help.is_some() => error(Kind::SecondHelp(name.to_owned())),
            b"HELP" => match unescape_help(rest, UnknownEscape::Keep) {
                Ok(help) => {
                    block.help = Some(help);
                    Ok(())
                }
                Err((_, escaped)) => error(Kind::Escape(escaped)),
            },
            b"TYPE" if block.declared_type.is_some() => error(Kind::SecondType(name.to_owned())),
            b"TYPE" => match OpenMetricsType::parse(rest) {
                Some(family_type) => {
                    block.declared_type = Some(family_type);
                    Ok(())
                }
                None => error(Kind::UnknownType(lossy(rest))),
            },
            _ if block.unit.is_some() => error(Rule::SecondUnit(name.to_owned()).into()),
            _ => {
                let unit = utf8(rest).unwrap_or_default();
                let ends = name.strip_suffix(unit).is_some_and(|stem| stem.ends_with('_'));
                block.unit = Some(unit);
                if unit.is_empty() || ends {
                    return Ok(());
                }
                error(Rule::Unit { family: name.to_owned(), unit: unit.to_owned() }.into())
            }
        }
    }

    /// Begins the block of the family `name`, unless that block is being read already.
    fn open(&mut self, line: &Cursor<'a>, name: &'a str) -> Result<(), ParseError> {
        if self.block.as_ref().is_some_and(|block| block.name == name) {
            return Ok(());
        }
        self.close_block();
        let is_known = self.used_names.contains(name);
        self.block = Some(Block {
            name,
            declared_type: None,
            help: None,
            unit: None,
            has_samples: false,
            line: line.number,
            metric_order: MetricOrder::default(),
        });
        if is_known {
            Err(line_error(line, Rule::Interleaved(name.to_owned()).into()))
        } else {
            Ok(())
        }
    }

    /// Ends the block that is being read, and checks what needs the family's type, which may stand
    /// anywhere in the metadata.
    fn close_block(&mut self) {
        let Some(block) = self.block.take() else { return };
        let family_type = block.family_type();
        let mut broken_rule = None;
        if block.unit.is_some_and(|unit| !unit.is_empty()) && !family_type.may_have_unit() {
            broken_rule = Some(Rule::UnitNotAllowed(block.name.to_owned()));
        }
        self.used_names.insert(Cow::Borrowed(block.name));
        for (suffix, _) in family_type.suffixes().iter().filter(|(suffix, _)| !suffix.is_empty()) {
            let sample = format!("{}{suffix}", block.name);
            if self.used_names.contains(sample.as_str()) {
                let (family, sample) = (block.name.to_owned(), sample.clone());
                broken_rule.get_or_insert(Rule::Clash { family, sample });
            }
            self.used_names.insert(Cow::Owned(sample));
        }
        if let Some(rule) = broken_rule {
            self.deferred_error.get_or_insert((block.line, rule));
        }
        self.close_metric(family_type, block.name, block.metric_order.finish());
    }

    /// Checks a metric whose last sample was read.
    fn close_metric(
        &mut self,
        family_type: OpenMetricsType,
        family: &str,
        finished: Option<MetricPoint>,
    ) {
        if let Some(point) = finished
            && matches!(family_type, OpenMetricsType::Histogram | OpenMetricsType::GaugeHistogram)
            && let Err(rule) = point.check_histogram(family)
        {
            self.deferred_error.get_or_insert((point.line, rule));
        }
    }

    /// The fast path: reads a sample in plain form that belongs to the current block. Returns `None` if
    /// anything about the line is unusual or wrong.
    fn plain_sample(&mut self, line: &Cursor<'a>) -> Option<Sample<'a>> {
        let PlainSample { name, labels, is_ordered, last, value } = self.reader.read(line)?;
        let (family_type, family, role) = self.block.as_ref()?.member(name)?;
        check_value(family_type, role, name, value).ok()?;
        if family_type == OpenMetricsType::StateSet {
            return None;
        }
        let (others, is_ordered, bound) = match (role.bound_name(family_type, name), last) {
            (None, _) => (labels, is_ordered, None),
            (Some(wanted), Some(last)) if last.name == wanted => {
                let bound = parse_bound(wanted, last.value)?;
                (last.others, last.are_others_ordered, Some(bound))
            }
            (Some(_), _) => return None,
        };
        let metric_key = if is_ordered {
            Cow::Borrowed(others.as_bytes())
        } else {
            Cow::Owned(labels_key(Labels::from_text(others).iter()))
        };
        let labels = Labels::from_text(if role.has_bound() { others } else { labels });
        let timestamp_ms = None;
        Some(Sample {
            name,
            family,
            family_type,
            role,
            labels,
            metric_key,
            bound,
            value,
            timestamp_ms,
        })
    }

    /// Reads a sample in any form.
    fn sample(&mut self, line: &mut Cursor<'a>) -> Result<Sample<'a>, ParseError> {
        let from = line.at();
        let name = line.take_while(|byte| !matches!(byte, b' ' | b'{'));
        let name = utf8(name).filter(|name| is_metric_name(name));
        let Some(name) = name else { return Err(line.error_since(from, Kind::MetricName)) };
        let (family_type, family, role) = self.member_or_open(line, name)?;
        let labels = if line.take(b'{') { take_labels(line, name)? } else { Vec::new() };
        if !line.take(b' ') {
            return Err(line.error(Kind::Value(lossy(line.rest()))));
        }
        let value_at = line.at();
        let word = line.take_word();
        let value = parse_float(word)
            .ok_or_else(|| line.error_since(value_at, Kind::Value(lossy(word))))?;
        check_value(family_type, role, name, value)
            .map_err(|rule| line.error_since(value_at, rule.into()))?;
        let timestamp_ms = take_timestamp(line)?;
        let may_have_exemplar = matches!(
            (family_type, role),
            (OpenMetricsType::Counter, SampleRole::OwnFamily(MetricType::Counter))
                | (_, SampleRole::Bucket)
        ) || (family_type == OpenMetricsType::GaugeHistogram
            && name.ends_with(BUCKET));
        take_exemplar(line, may_have_exemplar)?;
        let mut others = labels.clone();
        let bound_name = role.bound_name(family_type, name);
        let bound =
            bound_name.map(|wanted| take_bound(line, family, wanted, &mut others)).transpose()?;
        if family_type == OpenMetricsType::StateSet {
            take_label(line, family, family, &mut others)?;
        }
        let metric_key =
            labels_key(others.iter().map(|label| (&*label.name, &*label.value))).into();
        let labels = if role.has_bound() { others } else { labels }.into();
        Ok(Sample {
            name,
            family,
            family_type,
            role,
            labels,
            metric_key,
            bound,
            value,
            timestamp_ms,
        })
    }

    /// The type and the name of the family that a sample belongs to, and its role there. A sample
    /// without metadata begins a block of its own.
    fn member_or_open(
        &mut self,
        line: &Cursor<'a>,
        name: &'a str,
    ) -> Result<(OpenMetricsType, &'a str, SampleRole), ParseError> {
        if let Some(block) = &self.block {
            if let Some(member) = block.member(name) {
                return Ok(member);
            }
            if name == block.name {
                let (sample, family) = (name.to_owned(), name.to_owned());
                let kind = block.family_type().as_str();
                return Err(line.error_since(0, Rule::Suffix { sample, kind, family }.into()));
            }
        }
        self.open(line, name)?;
        Ok((OpenMetricsType::Unknown, name, SampleRole::OwnFamily(MetricType::Untyped)))
    }

    fn store(&mut self, line: &Cursor<'a>, sample: Sample<'a>) -> Result<(), ParseError> {
        let Sample { name, family, family_type, role, bound, value, timestamp_ms, .. } = sample;
        let histogram_sample = histogram_sample(family_type, name, bound, value);
        // All samples of an info are one metric: the labels are the info's value.
        let metric_key =
            if family_type == OpenMetricsType::Info { Cow::default() } else { sample.metric_key };
        if let Some(block) = &mut self.block {
            let (finished, result) = block.metric_order.sample(
                family,
                metric_key,
                line.number,
                timestamp_ms,
                histogram_sample,
            );
            self.close_metric(family_type, family, finished);
            result.map_err(|rule| line_error(line, rule.into()))?;
        }
        let (stored_name, metric_type) = match role {
            SampleRole::OwnFamily(metric_type) => (name, metric_type),
            _ if family_type == OpenMetricsType::Summary => (family, MetricType::Summary),
            _ => (family, MetricType::Histogram),
        };
        let stored = self.families.find_or_create(Cow::Borrowed(stored_name));
        let stored_family = self.families.get(stored);
        stored_family.metric_type.get_or_insert(metric_type);
        if let Some(block) = &mut self.block {
            block.has_samples = true;
            if stored_family.help.is_none() && !name.ends_with(CREATED) {
                stored_family.help.clone_from(&block.help);
            }
        }
        let metric = self.families.metric(stored, sample.labels, line.number);
        metric.timestamp_ms = timestamp_ms.or(metric.timestamp_ms);
        store_value(&mut metric.value, role.suffix(), bound, value);
        Ok(())
    }
}

/// A sample as it was read.
struct Sample<'a> {
    name: &'a str,
    family: &'a str,
    family_type: OpenMetricsType,
    role: SampleRole,
    /// The labels that the metric has in text 0.0.4, without `le` and `quantile`.
    labels: Labels<'a>,
    /// Tells the metric that the sample belongs to from the other metrics of its block.
    metric_key: Cow<'a, [u8]>,
    bound: Option<f64>,
    value: f64,
    timestamp_ms: Option<i64>,
}

/// An error about the whole line.
fn line_error(line: &Cursor<'_>, kind: Kind) -> ParseError {
    let mut end = line.clone();
    end.take_rest();
    end.error_since(0, kind)
}

#[cfg(test)]
mod tests;
