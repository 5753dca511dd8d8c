//! The list of groups that a gateway holds (`GET /api/v1/metrics`), read while it arrives.
//!
//! Only the groups are kept, not their samples: a list of 10,000 groups has 28 MB of JSON.
//! A pushed metric that is called `labels` or `last_push_successful` takes the place of the group's own
//! field of that name. So each field is read as what it turns out to be, whatever its name.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, BufReader, Read};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prompush_core::{PUSH_FAILURE_TIME, PUSH_TIME, PUSH_TTL};
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::error::{Cause, is_html};
use crate::exchange::answer::{ReadError, not_a_gateway};
use crate::http::HttpFailureKind;

/// A group of metrics on a gateway.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Group {
    /// The labels of the grouping key; `job` is one of them.
    pub labels: BTreeMap<String, String>,
    /// The number of pushed series, without the two that the gateway adds. A histogram or a summary
    /// counts as one.
    pub series: usize,
    /// The number of pushed metric families, without the two that the gateway adds.
    pub families: usize,
    /// When a push or an add to the group last succeeded; `None` if none did.
    pub last_push: Option<SystemTime>,
    /// When a push or an add to the group last failed; `None` if none did.
    pub last_failure: Option<SystemTime>,
    /// Whether the last push to the group succeeded.
    pub last_push_successful: bool,
    /// How long the group is good for after its last push: the largest positive value of its gauge
    /// `push_ttl_seconds`. [`Duration::MAX`] means for ever (`+Inf`); `None` means that the group does not
    /// say.
    pub ttl: Option<Duration>,
}

/// The groups on a gateway at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Inventory {
    /// The groups, sorted by their jobs and then by their other labels.
    pub groups: Vec<Group>,
    /// The time of the answer by the gateway's clock, in whole seconds (the header `Date`); `None` when the
    /// answer has no such header. The times of the groups are by the same clock.
    pub now: Option<SystemTime>,
}

/// Reads the list, up to `max` bytes; the groups come sorted by their jobs, then by their other labels.
pub(crate) fn read(body: &mut dyn Read, max: usize) -> Result<Vec<Group>, ReadError> {
    let mut groups: Vec<Group> =
        read_all::<RawGroup>(body, max)?.into_iter().map(Group::from).collect();
    let job = |group: &Group| group.labels.get("job").cloned();
    groups.sort_by(|a, b| job(a).cmp(&job(b)).then_with(|| a.labels.cmp(&b.labels)));
    Ok(groups)
}

/// Reads the list, up to `max` bytes, with each group as a `T`.
pub(crate) fn read_all<T: DeserializeOwned>(
    body: &mut dyn Read,
    max: usize,
) -> Result<Vec<T>, ReadError> {
    let mut limited = Limited { body, left: max, exceeded: false };
    let mut reader = BufReader::with_capacity(64 * 1024, &mut limited);
    let answer = begins_as_html(&mut reader).and_then(|html| {
        if html {
            return Err(not_a_gateway("the answer is an HTML page"));
        }
        serde_json::from_reader::<_, ApiAnswer<T>>(&mut reader).map_err(json_error)
    });
    drop(reader);
    if limited.exceeded {
        let text = format!("the answer has more than {max} bytes (`answer_bytes_max`)");
        return Err(ReadError::Other(HttpFailureKind::TooLarge, Cause::Text(text)));
    }
    Ok(answer?.data.unwrap_or_default())
}

/// Whether the answer begins like an HTML page.
fn begins_as_html(reader: &mut impl io::BufRead) -> Result<bool, ReadError> {
    Ok(is_html(reader.fill_buf().map_err(ReadError::Io)?))
}

fn json_error(error: serde_json::Error) -> ReadError {
    if error.is_io() {
        ReadError::Io(error.into())
    } else if error.is_eof() {
        ReadError::Io(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "the answer stops in the middle",
        ))
    } else {
        let text =
            format!("the answer is not the JSON of a Pushgateway's `/api/v1/metrics`: {error}");
        ReadError::Other(HttpFailureKind::Garbled, Cause::Text(text))
    }
}

/// A reader that fails after `left` bytes, and remembers that it failed for this reason.
struct Limited<'a> {
    body: &'a mut dyn Read,
    left: usize,
    exceeded: bool,
}

impl Read for Limited<'_> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = self.body.read(buf)?;
        let Some(left) = self.left.checked_sub(read) else {
            self.exceeded = true;
            return Err(io::Error::other("the answer is too large"));
        };
        self.left = left;
        Ok(read)
    }
}

#[derive(Deserialize)]
struct ApiAnswer<T> {
    data: Option<Vec<T>>,
}

/// The fields of a group in the list.
#[derive(Debug, Default)]
struct RawGroup {
    labels: Option<BTreeMap<String, String>>,
    successful: Option<bool>,
    families: usize,
    series: usize,
    last_push: OwnMetric,
    last_failure: OwnMetric,
    ttl_seconds: Option<f64>,
}

impl From<RawGroup> for Group {
    fn from(raw: RawGroup) -> Self {
        let RawGroup { labels, successful, families, series, last_push, last_failure, ttl_seconds } =
            raw;
        let (own_labels, pushed) = (last_push.labels, last_push.seconds);
        let failed = last_failure.seconds;
        Self {
            labels: labels.unwrap_or_else(|| without_empty_instance(own_labels)),
            series,
            families,
            last_push: time(pushed),
            last_failure: time(failed),
            last_push_successful: successful.unwrap_or(pushed >= failed),
            ttl: ttl_seconds
                .map(|seconds| Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)),
        }
    }
}

/// Removes the `instance=""` that the gateway gives its own metrics when the key has no instance.
fn without_empty_instance(mut labels: BTreeMap<String, String>) -> BTreeMap<String, String> {
    if labels.get("instance").is_some_and(String::is_empty) {
        labels.remove("instance");
    }
    labels
}

/// Converts seconds since 1970; the gateway writes 0 for "never".
pub(crate) fn time(seconds: f64) -> Option<SystemTime> {
    let since = Duration::try_from_secs_f64(seconds).ok().filter(|since| !since.is_zero())?;
    UNIX_EPOCH.checked_add(since)
}

impl<'de> Deserialize<'de> for RawGroup {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct GroupVisitor;

        impl<'de> Visitor<'de> for GroupVisitor {
            type Value = RawGroup;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a group")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawGroup, A::Error> {
                let mut group = RawGroup::default();
                while let Some(name) = map.next_key::<String>()? {
                    match name.as_str() {
                        PUSH_TIME => group.last_push = map.next_value()?,
                        PUSH_FAILURE_TIME => group.last_failure = map.next_value()?,
                        PUSH_TTL => group.ttl(&map.next_value()?),
                        _ => group.field(&name, map.next_value()?),
                    }
                }
                Ok(group)
            }
        }

        deserializer.deserialize_map(GroupVisitor)
    }
}

impl RawGroup {
    /// Counts the family `push_ttl_seconds` like any other, and takes its largest positive value.
    fn ttl(&mut self, values: &Values) {
        let Some(values) = &values.0 else { return };
        self.families += 1;
        self.series += values.len();
        let usable = values.iter().copied().filter(|seconds| *seconds > 0.0);
        self.ttl_seconds = usable.reduce(f64::max);
    }

    fn field(&mut self, name: &str, field: Field) {
        match field {
            Field::Family { series } => {
                self.families += 1;
                self.series += series;
            }
            Field::Texts(labels) if name == "labels" => self.labels = Some(labels),
            Field::Bool(successful) if name == "last_push_successful" => {
                self.successful = Some(successful);
            }
            Field::Texts(_) | Field::Bool(_) | Field::Other => {}
        }
    }
}

/// Writes the visits of numbers and `null`, which mean nothing here.
macro_rules! visit_scalars_as_other {
    () => {
        fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
            Ok(Self::Value::Other)
        }

        fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
            Ok(Self::Value::Other)
        }

        fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
            Ok(Self::Value::Other)
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(Self::Value::Other)
        }
    };
}

/// A field of a group, whatever its name.
#[derive(Debug)]
enum Field {
    /// A metric family: an object with an array `metrics`.
    Family {
        series: usize,
    },
    /// An object of strings: the group's labels.
    Texts(BTreeMap<String, String>),
    Bool(bool),
    Other,
}

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FieldVisitor)
    }
}

struct FieldVisitor;

impl<'de> Visitor<'de> for FieldVisitor {
    type Value = Field;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a metric family, labels, or a flag")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Field, E> {
        Ok(Field::Bool(value))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Field, A::Error> {
        let mut texts = BTreeMap::new();
        let mut series = None;
        while let Some(name) = map.next_key::<String>()? {
            match map.next_value()? {
                Part::Text(text) => drop(texts.insert(name, text)),
                Part::List(length) if name == "metrics" => series = Some(length),
                Part::List(_) | Part::Other => {}
            }
        }
        Ok(series.map_or(Field::Texts(texts), |series| Field::Family { series }))
    }

    fn visit_str<E>(self, _: &str) -> Result<Field, E> {
        Ok(Field::Other)
    }

    visit_scalars_as_other!();

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Field, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Field::Other)
    }
}

/// A part of a field. Only the content of a text and the length of a list matter.
#[derive(Debug)]
enum Part {
    Text(String),
    List(usize),
    Other,
}

impl<'de> Deserialize<'de> for Part {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PartVisitor)
    }
}

struct PartVisitor;

impl<'de> Visitor<'de> for PartVisitor {
    type Value = Part;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, a list or an object")
    }

    fn visit_str<E>(self, text: &str) -> Result<Part, E> {
        Ok(Part::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Part, A::Error> {
        let mut length = 0;
        while seq.next_element::<IgnoredAny>()?.is_some() {
            length += 1;
        }
        Ok(Part::List(length))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Part, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Part::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Part, E> {
        Ok(Part::Other)
    }

    visit_scalars_as_other!();
}

/// The values of a family's series, with NaN for a series without one; `None` for a field that is no
/// family.
#[derive(Debug)]
struct Values(Option<Vec<f64>>);

impl<'de> Deserialize<'de> for Values {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let family = serde_json::Value::deserialize(deserializer)?;
        let metrics = family.get("metrics").and_then(serde_json::Value::as_array);
        let value = |metric: &serde_json::Value| -> Option<f64> {
            metric.get("value")?.as_str()?.parse().ok()
        };
        Ok(Self(metrics.map(|list| list.iter().map(|it| value(it).unwrap_or(f64::NAN)).collect())))
    }
}

/// The gauge `push_time_seconds` or `push_failure_time_seconds` of a group.
///
/// A program may have pushed a family of the second name with another shape. That counts as "never".
#[derive(Debug, Default)]
struct OwnMetric {
    labels: BTreeMap<String, String>,
    seconds: f64,
}

impl<'de> Deserialize<'de> for OwnMetric {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Family {
            #[serde(default)]
            metrics: Vec<Metric>,
        }
        #[derive(Deserialize)]
        struct Metric {
            #[serde(default)]
            labels: BTreeMap<String, String>,
            value: Option<String>,
        }

        let family = Family::deserialize(deserializer)?;
        let metric = family.metrics.into_iter().next();
        let Some(Metric { labels, value }) = metric else { return Ok(Self::default()) };
        let seconds = value.and_then(|value| value.parse().ok()).unwrap_or(0.0);
        Ok(Self { labels, seconds })
    }
}

#[cfg(test)]
mod tests;
