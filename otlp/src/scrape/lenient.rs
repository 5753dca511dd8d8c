//! Reads bodies that are almost an exposition.

use std::borrow::Cow;
use std::collections::HashSet;

use prompush_core::{Exposition, Format, Metric, MetricFamily, parse_all};

use crate::error::ScrapeError;
use crate::scrape::repair::{Repairs, ScrapeRepair};

/// Parses `text` as OpenMetrics if it ends with `# EOF` and is valid, otherwise as text 0.0.4.
/// Appends what was repaired to `repairs`.
///
/// # Errors
/// [`ScrapeError`] for a web page, and for a body in which nothing can be read.
pub(crate) fn parse(
    text: &[u8],
    repairs: &mut Repairs,
) -> Result<Vec<MetricFamily<'static>>, ScrapeError> {
    if text.trim_ascii_start().starts_with(b"<") {
        return Err(ScrapeError::WebPage);
    }
    if text.trim_ascii_end().ends_with(b"# EOF") {
        let without = without_repeated_metadata(text, b"", repairs);
        if let Ok(exposition) = prompush_core::parse(&without, Format::OpenMetrics) {
            return Ok(owned(exposition));
        }
        repairs.0.clear();
    }
    // An empty line replaces each metadata line, so that errors name the right lines.
    let without = without_repeated_metadata(text, b"\n", repairs);
    let (exposition, errors) = parse_all(&without, Format::Text);
    if let Some(first) = errors.first().filter(|_| exposition.families.is_empty()) {
        return Err(ScrapeError::Unreadable(Box::new(first.clone())));
    }
    for error in &errors {
        let (line, reason) = (error.line, error.kind.to_string());
        repairs.push(ScrapeRepair::UnreadableLine { line, reason });
    }
    Ok(owned(exposition))
}

/// The lines of `text`, each with a line end, in which `instead` replaces every metadata line that
/// repeats an earlier one.
fn without_repeated_metadata(text: &[u8], instead: &[u8], repairs: &mut Repairs) -> Vec<u8> {
    let mut seen = HashSet::new();
    let mut out = Vec::with_capacity(text.len() + 1);
    for (number, line) in text.split_inclusive(|byte| *byte == b'\n').enumerate() {
        if let Some((keyword, family)) = metadata(line)
            && !seen.insert((keyword, family))
        {
            out.extend_from_slice(instead);
            let family = String::from_utf8_lossy(family).into_owned();
            repairs.push(ScrapeRepair::RepeatedMetadata { line: number + 1, family });
            continue;
        }
        out.extend_from_slice(line);
    }
    if out.last().is_some_and(|last| *last != b'\n') {
        out.push(b'\n');
    }
    out
}

/// The keyword and the family of a `# HELP`, `# TYPE` or `# UNIT` line; `None` for other lines.
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
