//! From what a body says to the bytes that a scrape copies.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::hash::BuildHasher;
use std::sync::Arc;

use prompush_core::{
    Exposition, HistogramValue, Metric, MetricFamily, MetricType, MetricValue, PUSH_FAILURE_TIME,
    PUSH_TIME, PUSH_TTL, SummaryValue,
};

use crate::error::{Inconsistency, Refusal};
use crate::group_key::{GroupKey, write_labels};
use crate::number::write_number;
use samples::{Samples, SamplesBuilder};

pub(crate) mod samples;

/// A push, rendered: what is to be stored if it is consistent with the rest.
#[derive(Debug, Default)]
pub(crate) struct Rendered {
    /// By name; a family is never empty.
    pub(crate) families: BTreeMap<Arc<str>, RenderedFamily>,
    /// The largest usable value of [`PUSH_TTL`], in seconds.
    pub(crate) ttl_seconds: Option<f64>,
}

/// One metric family of one group.
#[derive(Debug)]
pub(crate) struct RenderedFamily {
    pub(crate) metric_type: MetricType,
    pub(crate) help: Option<Arc<str>>,
    pub(crate) samples: Samples,
}

/// Renders pushes for one store, whose hashes of series it computes.
#[derive(Clone, Debug)]
pub(crate) struct Renderer {
    hasher: foldhash::quality::RandomState,
    /// Bytes of the samples of one push.
    bytes_max: usize,
}

impl Renderer {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { hasher: foldhash::quality::RandomState::default(), bytes_max }
    }

    /// Lays the key's labels over the body's and renders everything.
    /// The group's own two families are left out: a body has no say in them.
    ///
    /// # Errors
    ///
    /// If the push is faulty in itself, or its samples are larger than the limit.
    pub(crate) fn render(
        &self,
        exposition: &Exposition<'_>,
        key: &GroupKey,
    ) -> Result<Rendered, Refusal> {
        let metrics = || exposition.families.iter().flat_map(|family| &family.metrics);
        if metrics().any(|metric| metric.timestamp_ms.is_some()) {
            return Err(Inconsistency::Timestamp.into());
        }
        let mut rendered = Rendered::default();
        let mut bytes_left = self.bytes_max;
        for family in &exposition.families {
            let name = escape_name(&family.name, true);
            if matches!(name.as_ref(), PUSH_TIME | PUSH_FAILURE_TIME) || family.metrics.is_empty() {
                continue;
            }
            if name.is_empty() {
                return Err(Inconsistency::NoName.into());
            }
            if name == PUSH_TTL {
                rendered.ttl_seconds = ttl_seconds(family);
            }
            let samples = self.render_family(family, &name, key, bytes_left)?;
            bytes_left = bytes_left.saturating_sub(samples.text().len());
            let help = family.help.as_deref().filter(|help| !help.is_empty()).map(Arc::from);
            let stored = RenderedFamily { metric_type: family.metric_type, help, samples };
            // Two names that only escaping makes equal would be one family with two types or heads.
            if rendered.families.insert(Arc::from(name.as_ref()), stored).is_some() {
                let (family, labels) = (name.into_owned(), String::new());
                return Err(Inconsistency::Duplicate { family, labels }.into());
            }
        }
        Ok(rendered)
    }

    /// Renders a gauge that has the key's labels alone.
    pub(crate) fn render_gauge(&self, name: &str, key: &GroupKey, value: f64) -> RenderedFamily {
        let mut builder = SamplesBuilder::default();
        let labels = key.rendered();
        let labels_start = write_name_and_labels(builder.text(), name, &labels);
        builder.text().extend_from_slice(b"} ");
        write_number(builder.text(), value);
        builder.text().push(b'\n');
        builder.end_metric(labels_start, labels.len(), self.hash(&labels));
        RenderedFamily { metric_type: MetricType::Gauge, help: None, samples: builder.finish() }
    }

    fn hash(&self, labels: &[u8]) -> u64 {
        self.hasher.hash_one(labels)
    }

    fn render_family(
        &self,
        family: &MetricFamily<'_>,
        name: &str,
        key: &GroupKey,
        bytes_max: usize,
    ) -> Result<Samples, Refusal> {
        check_sample_labels(family.metric_type, name, key)?;
        let mut builder = SamplesBuilder::default();
        let mut labels = Vec::new();
        for metric in &family.metrics {
            labels.clear();
            write_metric_labels(&mut labels, name, metric, key)?;
            let labels_start = write_metric(builder.text(), family, name, &metric.value, &labels)?;
            // Stops at once: the key's labels are repeated in each sample, so a small body can grow large.
            if builder.text().len() > bytes_max.min(SamplesBuilder::BYTES_MAX) {
                return Err(Refusal::Full { limit: self.bytes_max, what: "bytes of samples" });
            }
            builder.end_metric(labels_start, labels.len(), self.hash(&labels));
        }
        let samples = builder.finish();
        match samples.duplicate() {
            Some(labels) => Err(Inconsistency::Duplicate {
                family: name.to_owned(),
                labels: String::from_utf8_lossy(labels).into_owned(),
            }
            .into()),
            None => Ok(samples),
        }
    }
}

/// A `quantile` of the key would double that of a summary's samples, an `le` that of a histogram's.
fn check_sample_labels(
    metric_type: MetricType,
    family: &str,
    key: &GroupKey,
) -> Result<(), Inconsistency> {
    let label = match metric_type {
        MetricType::Summary => "quantile",
        MetricType::Histogram => "le",
        _ => return Ok(()),
    };
    if key.has(label) {
        let labels = String::from_utf8_lossy(&key.rendered()).into_owned();
        let metric_type = metric_type.as_str();
        return Err(Inconsistency::SampleLabel {
            family: family.to_owned(),
            labels,
            label,
            metric_type,
        });
    }
    Ok(())
}

/// Appends the labels of a metric: its own, those of the key over them, and an `instance` in any case; sorted.
fn write_metric_labels(
    out: &mut Vec<u8>,
    family: &str,
    metric: &Metric<'_>,
    key: &GroupKey,
) -> Result<(), Inconsistency> {
    let mut labels: Vec<(Cow<'_, str>, &str)> =
        Vec::with_capacity(metric.labels.iter().count() + key.len() + 1);
    let own = metric.labels.iter().map(|(name, value)| (escape_name(name, false), value));
    labels.extend(own.filter(|(name, _)| !key.has(name)));
    labels.extend(key.labels().map(|(name, value)| (Cow::Borrowed(name), value)));
    if !labels.iter().any(|(name, _)| name == "instance") {
        labels.push((Cow::Borrowed("instance"), ""));
    }
    labels.sort_by(|(one, _), (two, _)| one.cmp(two));
    write_labels(out, labels.iter().map(|(name, value)| (name.as_ref(), *value)));
    let shown = || String::from_utf8_lossy(out).into_owned();
    if let Some((name, _)) =
        labels.iter().find(|(name, _)| name.is_empty() || name.starts_with("__"))
    {
        let (family, label) = (family.to_owned(), name.to_string());
        return Err(Inconsistency::LabelName { family, labels: shown(), label });
    }
    let mut neighbours = labels.iter().zip(labels.iter().skip(1));
    if let Some(((name, _), _)) = neighbours.find(|((name, _), (next, _))| name == next) {
        let (family, label) = (family.to_owned(), name.to_string());
        return Err(Inconsistency::LabelTwice { family, labels: shown(), label });
    }
    Ok(())
}

/// Appends all lines of a metric and gives back where in the text its labels stand.
fn write_metric(
    out: &mut Vec<u8>,
    family: &MetricFamily<'_>,
    name: &str,
    value: &MetricValue,
    labels: &[u8],
) -> Result<usize, Inconsistency> {
    match (family.metric_type, value) {
        (
            MetricType::Counter | MetricType::Gauge | MetricType::Untyped,
            MetricValue::Number(number),
        ) => Ok(write_sample(out, name, "", labels, None, *number)),
        (MetricType::Histogram, MetricValue::Histogram(histogram)) => {
            Ok(write_histogram(out, name, histogram, labels))
        }
        (MetricType::Summary, MetricValue::Summary(summary)) => {
            Ok(write_summary(out, name, summary, labels))
        }
        _ => Err(Inconsistency::Value {
            family: name.to_owned(),
            labels: String::from_utf8_lossy(labels).into_owned(),
            metric_type: family.metric_type.as_str().to_ascii_uppercase(),
        }),
    }
}

fn write_histogram(
    out: &mut Vec<u8>,
    name: &str,
    histogram: &HistogramValue,
    labels: &[u8],
) -> usize {
    let mut has_infinity = false;
    for bucket in &histogram.buckets {
        has_infinity |= bucket.upper_bound == f64::INFINITY;
        let bound = Some(("le", bucket.upper_bound));
        write_sample(out, name, "_bucket", labels, bound, bucket.cumulative_count);
    }
    if !has_infinity {
        let bound = Some(("le", f64::INFINITY));
        write_sample(out, name, "_bucket", labels, bound, histogram.count);
    }
    write_sample(out, name, "_sum", labels, None, histogram.sum);
    write_sample(out, name, "_count", labels, None, histogram.count)
}

fn write_summary(out: &mut Vec<u8>, name: &str, summary: &SummaryValue, labels: &[u8]) -> usize {
    for quantile in &summary.quantiles {
        write_sample(out, name, "", labels, Some(("quantile", quantile.quantile)), quantile.value);
    }
    write_sample(out, name, "_sum", labels, None, summary.sum);
    write_sample(out, name, "_count", labels, None, summary.count)
}

/// Appends one line and gives back where in the text its labels stand.
fn write_sample(
    out: &mut Vec<u8>,
    name: &str,
    suffix: &str,
    labels: &[u8],
    bound: Option<(&str, f64)>,
    value: f64,
) -> usize {
    out.extend_from_slice(name.as_bytes());
    let labels_start = write_name_and_labels(out, suffix, labels);
    if let Some((bound_name, bound)) = bound {
        out.push(b',');
        out.extend_from_slice(bound_name.as_bytes());
        out.extend_from_slice(b"=\"");
        write_number(out, bound);
        out.push(b'"');
    }
    out.extend_from_slice(b"} ");
    write_number(out, value);
    out.push(b'\n');
    labels_start
}

fn write_name_and_labels(out: &mut Vec<u8>, name: &str, labels: &[u8]) -> usize {
    out.extend_from_slice(name.as_bytes());
    out.push(b'{');
    let labels_start = out.len();
    out.extend_from_slice(labels);
    labels_start
}

/// The largest value of the family that is a time: positive, and `+Inf` for never.
fn ttl_seconds(family: &MetricFamily<'_>) -> Option<f64> {
    let values = family.metrics.iter().filter_map(|metric| match metric.value {
        MetricValue::Number(seconds) if seconds > 0.0 => Some(seconds),
        _ => None,
    });
    values.reduce(f64::max)
}

/// A name as the text format can show it: what is not allowed becomes `_`, as upstream does with `escaping=underscores`.
/// Only protobuf bodies have such names.
fn escape_name(name: &str, colons: bool) -> Cow<'_, str> {
    let allowed = |index: usize, char: char| {
        char.is_ascii_alphabetic()
            || char == '_'
            || (colons && char == ':')
            || (index > 0 && char.is_ascii_digit())
    };
    if name.chars().enumerate().all(|(index, char)| allowed(index, char)) {
        return Cow::Borrowed(name);
    }
    let escaped = name.chars().enumerate();
    Cow::Owned(escaped.map(|(index, char)| if allowed(index, char) { char } else { '_' }).collect())
}
