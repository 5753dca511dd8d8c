//! Counts points and attributes that are dropped, and names each of them once for the log.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};
use std::fmt;

use prompush_core::{Metric, MetricFamily, MetricType, MetricValue};

/// Why a point did not become a sample, or an attribute did not become a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DropCause {
    /// A rule drops the attribute. Points that differ in this attribute only are summed.
    AttributeRule,
    /// A rule drops the metric.
    MetricRule,
    /// The instance has as many samples as the rules allow.
    SeriesLimit,
    /// More streams meet in the series than the instance tracks.
    StreamLimit,
    /// A metric of another type has the same name.
    NameClash,
    /// The name is too long, or none of its characters is allowed in Prometheus.
    Name,
    /// The labels are too long.
    LabelsTooLong,
    /// The value is impossible: a negative counter, or buckets that do not fit their bounds.
    Invalid,
    /// The point has the flag that says that it has no value.
    NoRecordedValue,
    /// The point is older than the last one, or repeats it.
    Repeated,
}

impl DropCause {
    /// All causes.
    pub const ALL: [Self; 10] = [
        Self::AttributeRule,
        Self::MetricRule,
        Self::SeriesLimit,
        Self::StreamLimit,
        Self::NameClash,
        Self::Name,
        Self::LabelsTooLong,
        Self::Invalid,
        Self::NoRecordedValue,
        Self::Repeated,
    ];

    /// The value of the label `cause`.
    pub fn as_str(self) -> &'static str {
        self.label_and_sentence().0
    }

    /// The value of the label `cause`, and the end of the sentence "the metric is dropped: …".
    fn label_and_sentence(self) -> (&'static str, &'static str) {
        match self {
            Self::AttributeRule => ("attribute_rule", "a rule says so"),
            Self::MetricRule => ("metric_rule", "a rule says so"),
            Self::SeriesLimit => {
                ("series_limit", "the instance has as many series as the rules allow")
            }
            Self::StreamLimit => ("stream_limit", "too many of its streams meet in one series"),
            Self::NameClash => ("name_clash", "a metric of another type has its name"),
            Self::Name => ("name", "its name cannot be translated into a name of Prometheus"),
            Self::LabelsTooLong => ("labels_too_long", "its labels are too long"),
            Self::Invalid => ("invalid", "its value is impossible"),
            Self::NoRecordedValue => ("no_recorded_value", "it has no value"),
            Self::Repeated => ("repeated", "its value is older than the last one, or repeats it"),
        }
    }
}

/// A notice for the log: which metric or attribute is dropped, and why.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct DropNotice {
    /// The cause of the drop.
    pub cause: DropCause,
    /// The metric's name as the program wrote it.
    pub metric: String,
    /// The dropped attribute; `None` when the whole point is dropped.
    pub attribute: Option<String>,
}

impl fmt::Display for DropNotice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let metric = self.metric.escape_debug();
        if let Some(attribute) = &self.attribute {
            let attribute = attribute.escape_debug();
            return write!(f, "attribute `{attribute}` (of metric `{metric}`) becomes no label");
        }
        write!(f, "metric `{metric}` is dropped: {}", self.cause.label_and_sentence().1)
    }
}

/// Most notices over the life of an instance.
const NOTICES_MAX: usize = 100;
/// Most attributes with a count of their own.
const ATTRIBUTES_MAX: usize = 50;
/// The name under which all further attributes are counted.
const OTHER: &str = "other";
/// Longest name that is kept, in bytes. Longer ones are cut.
const NAME_BYTES_MAX: usize = 200;

/// How many points and attributes were dropped.
#[derive(Debug, Default)]
pub(crate) struct DropCounts {
    points: BTreeMap<DropCause, u64>,
    attributes: BTreeMap<String, u64>,
    /// The notices that were given.
    noticed: HashSet<DropNotice>,
}

impl DropCounts {
    /// Counts a dropped point. Returns a notice the first time.
    pub(crate) fn count_point(&mut self, cause: DropCause, metric: &str) -> Option<DropNotice> {
        *self.points.entry(cause).or_default() += 1;
        self.notice(DropNotice { cause, metric: cut(metric), attribute: None })
    }

    /// Counts a point that lost an attribute. Returns a notice the first time.
    pub(crate) fn count_attribute(&mut self, attribute: &str, metric: &str) -> Option<DropNotice> {
        let attribute = cut(attribute);
        if let Some(count) = self.attributes.get_mut(&attribute) {
            *count += 1;
            return None;
        }
        if self.attributes.len() >= ATTRIBUTES_MAX {
            *self.attributes.entry(OTHER.to_owned()).or_default() += 1;
            return None;
        }
        self.attributes.insert(attribute.clone(), 1);
        let cause = DropCause::AttributeRule;
        self.notice(DropNotice { cause, metric: cut(metric), attribute: Some(attribute) })
    }

    /// A family with the number of dropped points for each cause; `None` when there are none.
    pub(crate) fn points_family(
        &self,
        name: &'static str,
        help: &'static str,
        metric_type: MetricType,
    ) -> Option<MetricFamily<'static>> {
        let counts = self.points.iter().map(|(cause, count)| ("cause", cause.as_str(), *count));
        counts_family(name, help, metric_type, counts)
    }

    /// A counter with the number of points that lost an attribute, for each attribute; `None` when
    /// there are none.
    pub(crate) fn attributes_family(
        &self,
        name: &'static str,
        help: &'static str,
    ) -> Option<MetricFamily<'_>> {
        let counts = self.attributes.iter().map(|(name, count)| ("attribute", &**name, *count));
        counts_family(name, help, MetricType::Counter, counts)
    }

    fn notice(&mut self, notice: DropNotice) -> Option<DropNotice> {
        let is_new = self.noticed.len() < NOTICES_MAX && !self.noticed.contains(&notice);
        is_new.then(|| {
            self.noticed.insert(notice.clone());
            notice
        })
    }
}

/// A family with a sample for each count, which comes with the name and the value of its label.
#[expect(clippy::cast_precision_loss, reason = "expositions have floats")]
fn counts_family<'a>(
    name: &'static str,
    help: &'static str,
    metric_type: MetricType,
    counts: impl Iterator<Item = (&'static str, &'a str, u64)>,
) -> Option<MetricFamily<'a>> {
    let metric = |(label, value, count): (&'static str, &'a str, u64)| Metric {
        labels: [(label, value)].into_iter().collect(),
        value: MetricValue::Number(count as f64),
        timestamp_ms: None,
        line: 0,
    };
    let metrics: Vec<_> = counts.map(metric).collect();
    let (name, help) = (Cow::Borrowed(name), Some(Cow::Borrowed(help)));
    (!metrics.is_empty()).then_some(MetricFamily { name, help, metric_type, metrics })
}

/// The beginning of a name that may be too long to keep.
fn cut(name: &str) -> String {
    name.get(..name.floor_char_boundary(NAME_BYTES_MAX)).unwrap_or_default().to_owned()
}
