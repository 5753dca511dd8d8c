//! Reading what is not quite an exposition.

use std::borrow::Cow;
use std::collections::HashSet;

use prompush_core::{Exposition, Format, Metric, MetricFamily, ParseError, parse, parse_all};

use super::Mend;
use crate::error::ScrapeError;

/// Most things that are said to be mended.
pub(super) const MENDED_MAX: usize = 100;

/// What could be read, and what had to be mended for it.
pub(super) struct Read {
    pub(super) families: Vec<MetricFamily<'static>>,
    pub(super) mended: Vec<Mend>,
}

/// Reads `text`: as OpenMetrics where it ends like that and is, else as text 0.0.4.
///
/// # Errors
/// [`ScrapeError`] for a web page, and where nothing can be read.
pub(super) fn read(text: &[u8]) -> Result<Read, ScrapeError> {
    if text.trim_ascii_start().starts_with(b"<") {
        return Err(ScrapeError::WebPage);
    }
    let mut mended = Vec::new();
    if text.trim_ascii_end().ends_with(b"# EOF") {
        let without = without_second_metadata(text, b"", &mut mended);
        if let Ok(exposition) = parse(&without, Format::OpenMetrics) {
            return Ok(Read { families: owned(exposition), mended });
        }
        mended.clear();
    }
    // Lines stay where they were, so that errors name the right ones.
    let without = without_second_metadata(text, b"\n", &mut mended);
    let (exposition, errors) = parse_all(&without, Format::Text);
    if let Some(first) = errors.first().filter(|_| exposition.families.is_empty()) {
        return Err(ScrapeError::Unreadable { source: Box::new(first.clone()) });
    }
    mended.extend(errors.iter().map(left_out));
    mended.truncate(MENDED_MAX);
    Ok(Read { families: owned(exposition), mended })
}

fn left_out(error: &ParseError) -> Mend {
    Mend::Line { line: error.line, reason: error.kind.to_string() }
}

/// The lines of `text`, each ended, with `instead` for further metadata lines of one family.
fn without_second_metadata(text: &[u8], instead: &[u8], mended: &mut Vec<Mend>) -> Vec<u8> {
    let mut seen = HashSet::new();
    let mut out = Vec::with_capacity(text.len() + 1);
    for (number, line) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
        if let Some((keyword, family)) = metadata(line)
            && !seen.insert((keyword, family))
        {
            out.extend_from_slice(instead);
            if mended.len() < MENDED_MAX {
                let family = String::from_utf8_lossy(family).into_owned();
                mended.push(Mend::Metadata { line: number + 1, family });
            }
            continue;
        }
        out.extend_from_slice(line);
    }
    if out.last().is_some_and(|last| *last != b'\n') {
        out.push(b'\n');
    }
    out
}

/// The keyword and the family of a `# HELP`, `# TYPE` or `# UNIT` line.
fn metadata(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut words = line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let (hash, keyword, family) = (words.next()?, words.next()?, words.next()?);
    let is_metadata = hash == b"#" && matches!(keyword, b"HELP" | b"TYPE" | b"UNIT");
    is_metadata.then_some((keyword, family))
}

fn owned(exposition: Exposition<'_>) -> Vec<MetricFamily<'static>> {
    let text = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
    let metric = |metric: Metric<'_>| Metric {
        labels: metric.labels.into_owned(),
        value: metric.value,
        timestamp_ms: metric.timestamp_ms,
        line: metric.line,
    };
    let family = |family: MetricFamily<'_>| MetricFamily {
        name: text(family.name),
        help: family.help.map(text),
        metric_type: family.metric_type,
        metrics: family.metrics.into_iter().map(metric).collect(),
    };
    exposition.families.into_iter().map(family).collect()
}
