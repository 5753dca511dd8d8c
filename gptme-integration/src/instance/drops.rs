//! What is not pushed: counted, and named once.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

/// Why a point became no sample, or an attribute no label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum DropCause {
    /// A rule drops the attribute; the points that fall together are summed.
    AttributeRule,
    /// A rule drops the metric.
    MetricRule,
    /// The instance has as many series as the rules allow.
    SeriesLimit,
    /// More streams fall together than the instance follows.
    StreamLimit,
    /// The name is another metric's, of another type.
    NameClash,
    /// No character of the name may stand in a metric name, or it is too long.
    Name,
    /// The labels are too long.
    LabelsTooLong,
    /// The point makes no sense: a counter that is negative, buckets that do not fit their bounds.
    Invalid,
    /// The point says that it has no value.
    NoRecordedValue,
    /// The point is older than what is there, or was there before.
    Repeated,
}

impl DropCause {
    /// Every cause.
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

    /// The word for it in the label `cause`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AttributeRule => "attribute_rule",
            Self::MetricRule => "metric_rule",
            Self::SeriesLimit => "series_limit",
            Self::StreamLimit => "stream_limit",
            Self::NameClash => "name_clash",
            Self::Name => "name",
            Self::LabelsTooLong => "labels_too_long",
            Self::Invalid => "invalid",
            Self::NoRecordedValue => "no_recorded_value",
            Self::Repeated => "repeated",
        }
    }
}

/// Something that is dropped, for the log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Dropped {
    /// Why.
    pub cause: DropCause,
    /// The metric, as the program calls it.
    pub metric: String,
    /// The attribute, where one is dropped and not the point.
    pub attribute: Option<String>,
}

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let metric = self.metric.escape_debug();
        if let Some(attribute) = &self.attribute {
            let attribute = attribute.escape_debug();
            return write!(f, "attribute `{attribute}` (of metric `{metric}`) becomes no label");
        }
        write!(f, "metric `{metric}` is dropped: ")?;
        f.write_str(match self.cause {
            DropCause::AttributeRule | DropCause::MetricRule => "a rule says so",
            DropCause::SeriesLimit => "the instance has as many series as the rules allow",
            DropCause::StreamLimit => "too many of its points fall together to follow them all",
            DropCause::NameClash => "a metric of another type has its name",
            DropCause::Name => "its name has no form in Prometheus",
            DropCause::LabelsTooLong => "its labels are too long",
            DropCause::Invalid => "its value makes no sense",
            DropCause::NoRecordedValue => "it has no value",
            DropCause::Repeated => "its value is older than the one before",
        })
    }
}

/// Most things that are named over the life of an instance.
const NAMED_MAX: usize = 100;
/// Most attributes that are counted each by itself.
const ATTRIBUTES_MAX: usize = 50;
/// Where further attributes are counted.
const OTHER: &str = "other";
/// Longest name that is kept, in bytes.
const NAME_BYTES_MAX: usize = 200;

/// Counts of what was dropped.
#[derive(Debug, Default)]
pub(crate) struct Drops {
    points: BTreeMap<DropCause, u64>,
    attributes: BTreeMap<String, u64>,
    named: HashSet<Dropped>,
}

impl Drops {
    /// Counts a point; says what to name, if it was not named before.
    pub(crate) fn point(&mut self, cause: DropCause, metric: &str) -> Option<Dropped> {
        *self.points.entry(cause).or_default() += 1;
        self.name(Dropped { cause, metric: cut(metric), attribute: None })
    }

    /// Counts a point's attribute; says what to name, if it was not named before.
    pub(crate) fn attribute(&mut self, attribute: &str, metric: &str) -> Option<Dropped> {
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
        self.name(Dropped { cause, metric: cut(metric), attribute: Some(attribute) })
    }

    pub(crate) fn points(&self) -> impl Iterator<Item = (&'static str, u64)> {
        self.points.iter().map(|(cause, count)| (cause.as_str(), *count))
    }

    pub(crate) fn attributes(&self) -> impl Iterator<Item = (&str, u64)> {
        self.attributes.iter().map(|(attribute, count)| (attribute.as_str(), *count))
    }

    fn name(&mut self, dropped: Dropped) -> Option<Dropped> {
        let is_news = self.named.len() < NAMED_MAX && !self.named.contains(&dropped);
        is_news.then(|| {
            self.named.insert(dropped.clone());
            dropped
        })
    }
}

/// A name, cut where it is too long to keep.
fn cut(name: &str) -> String {
    name.get(..name.floor_char_boundary(NAME_BYTES_MAX)).unwrap_or_default().to_owned()
}
