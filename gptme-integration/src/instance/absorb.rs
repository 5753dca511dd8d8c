//! An export into the state of its instance.

use std::collections::{BTreeMap, HashMap};

use prompush_core::MetricType;
use prompush_core::protobuf::Reason;

use super::drops::DropCause;
use super::families::{Heading, Labels};
use super::gather::TARGET_INFO;
use super::streams::Arrival;
use super::{Absorbed, State};
use crate::names;
use crate::otlp::{Attribute, Export, Kind, Metric, Point, PointValue, Temporality, Visitor};
use crate::rules::Rules;

/// Longest help text, in bytes.
const HELP_BYTES_MAX: usize = 1_000;
/// Longest name of a family, in bytes.
const NAME_BYTES_MAX: usize = 250;
/// Most bytes of all labels of a series.
const LABELS_BYTES_MAX: usize = 4_000;
/// Most attributes of a metric whose labels are remembered.
const LABEL_NAMES_MAX: usize = 1_000;

/// Adds `export` to `state`.
pub(super) fn absorb(state: &mut State, rules: &Rules, sender: u64, export: &Export) -> Absorbed {
    let mut absorber = Absorber {
        state,
        rules,
        sender,
        absorbed: Absorbed::default(),
        metric: Err(DropCause::Invalid),
        label_names: HashMap::new(),
    };
    export.visit(&mut absorber);
    absorber.absorbed
}

struct Absorber<'a> {
    state: &'a mut State,
    rules: &'a Rules,
    sender: u64,
    absorbed: Absorbed,
    /// The metric whose points come now, or why they are dropped.
    metric: Result<Target, DropCause>,
    /// The labels for the attributes of this metric; nothing for one that is dropped.
    label_names: HashMap<String, Option<String>>,
}

/// Where the points of a metric go.
struct Target {
    heading: Heading,
    metric_type: MetricType,
    /// What takes their values.
    flow: Flow,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    /// The last value counts.
    Last,
    Cumulative,
    UpAndDown,
    Delta,
}

impl Visitor for Absorber<'_> {
    fn resource(&mut self, attributes: Vec<Attribute<'_>>) -> Result<(), Reason> {
        if let Ok(target) = labels_of(&attributes, |key| target_label(self.rules, key)) {
            self.state.target = target;
        }
        Ok(())
    }

    fn metric(&mut self, metric: &Metric<'_>) {
        self.label_names.clear();
        self.metric = target(self.rules, metric);
    }

    fn point(&mut self, metric: &Metric<'_>, mut point: Point<'_>) {
        // So that the order in which a program writes attributes does not matter.
        point.attributes.sort_by(|a, b| a.key.cmp(b.key));
        match self.take(metric, &point) {
            Ok(()) => self.absorbed.taken += 1,
            Err(cause) => {
                self.absorbed.dropped += 1;
                self.absorbed.news.extend(self.state.drops.point(cause, metric.name));
            }
        }
    }
}

impl Absorber<'_> {
    fn take(&mut self, metric: &Metric<'_>, point: &Point<'_>) -> Result<(), DropCause> {
        self.metric.as_ref().map_err(|cause| *cause)?;
        check_value(metric.kind, &point.value)?;
        let labels = self.labels(metric, point)?;
        let Target { heading, metric_type, flow } = self.metric.as_ref().map_err(|cause| *cause)?;
        let State { families, streams, .. } = &mut *self.state;
        let series_max = self.rules.series_max();
        let place = families.place(heading, *metric_type, &labels, &point.value, series_max)?;
        let series = families.series_mut(place);
        let cells = series.cells(&point.value).ok_or(DropCause::Invalid)?;
        // What only grows and has another start is another process, or one that restarted.
        let start_in_id = (*flow == Flow::Cumulative).then_some(point.start);
        let id = streams.id(metric, point, start_in_id);
        let Point { start, time, .. } = *point;
        let arrival = Arrival { id, place, sender: self.sender, start, time, cells };
        match flow {
            Flow::Last => series.base = arrival.cells,
            Flow::Cumulative => series.add(&streams.cumulative(arrival)?),
            Flow::UpAndDown => streams.up_and_down(arrival)?,
            Flow::Delta => series.add(&streams.delta(arrival)?),
        }
        if metric.kind == Kind::Summary {
            series.set_quantiles(&point.value, streams.id(metric, point, None));
        }
        Ok(())
    }

    /// The labels of a point. Attributes whose names become one label are joined by `;`.
    fn labels(&mut self, metric: &Metric<'_>, point: &Point<'_>) -> Result<Labels, DropCause> {
        let target = self.metric.as_ref().map_err(|cause| *cause)?;
        let (rules, family) = (self.rules, target.heading.name.as_str());
        let (known, drops) = (&mut self.label_names, &mut self.state.drops);
        let news = &mut self.absorbed.news;
        labels_of(&point.attributes, |key| {
            if known.len() > LABEL_NAMES_MAX {
                known.clear();
            }
            if !known.contains_key(key) {
                let label = label(rules, key, [metric.name, family]);
                known.insert(key.to_owned(), label);
            }
            let label = known.get(key).cloned().flatten();
            if label.is_none() {
                news.extend(drops.attribute(key, metric.name));
            }
            label
        })
    }
}

/// The labels of attributes that are sorted by key, with the names that `label_name` gives.
fn labels_of(
    attributes: &[Attribute<'_>],
    mut label_name: impl FnMut(&str) -> Option<String>,
) -> Result<Labels, DropCause> {
    let mut labels: BTreeMap<String, String> = BTreeMap::new();
    let mut bytes = 0_usize;
    for Attribute { key, value } in attributes {
        // To Prometheus an empty label is none.
        if value.is_empty() {
            continue;
        }
        let Some(name) = label_name(key) else { continue };
        bytes += name.len() + value.len();
        if bytes > LABELS_BYTES_MAX {
            return Err(DropCause::LabelsTooLong);
        }
        let text = labels.entry(name).or_default();
        if !text.is_empty() {
            text.push(';');
        }
        text.push_str(value);
    }
    Ok(labels.into_iter().collect())
}

/// The label for an attribute; nothing where a rule drops it, or its name has no form.
fn label(rules: &Rules, key: &str, metric: [&str; 2]) -> Option<String> {
    let label = names::label_name(key)?;
    rules.keeps_attribute([key, &label], metric).then(|| rules.free_label(label))
}

/// The label of `target_info` for an attribute of the resource.
fn target_label(rules: &Rules, key: &str) -> Option<String> {
    label(rules, key, [TARGET_INFO; 2])
}

/// Where the points of `metric` go.
fn target(rules: &Rules, metric: &Metric<'_>) -> Result<Target, DropCause> {
    let too_long = metric.name.len() > NAME_BYTES_MAX || metric.unit.len() > NAME_BYTES_MAX;
    let name =
        if too_long { None } else { names::family_name(metric.name, metric.unit, metric.kind) };
    let name = name.ok_or(DropCause::Name)?;
    if !rules.keeps_metric([metric.name, &name]) {
        return Err(DropCause::MetricRule);
    }
    let help = metric.description;
    let help = help.get(..help.floor_char_boundary(HELP_BYTES_MAX)).unwrap_or_default();
    Ok(Target {
        heading: Heading { name, help: help.to_owned() },
        metric_type: match metric.kind {
            Kind::Sum { monotonic: true } => MetricType::Counter,
            Kind::Gauge | Kind::Sum { monotonic: false } => MetricType::Gauge,
            Kind::Histogram | Kind::ExponentialHistogram => MetricType::Histogram,
            Kind::Summary => MetricType::Summary,
        },
        flow: flow(metric.kind, metric.temporality)?,
    })
}

fn flow(kind: Kind, temporality: Temporality) -> Result<Flow, DropCause> {
    match (kind, temporality) {
        (Kind::Gauge, _) => Ok(Flow::Last),
        (Kind::Summary, _) => Ok(Flow::Cumulative),
        (_, Temporality::Delta) => Ok(Flow::Delta),
        (Kind::Sum { monotonic: false }, Temporality::Cumulative) => Ok(Flow::UpAndDown),
        (_, Temporality::Cumulative) => Ok(Flow::Cumulative),
        (_, Temporality::Unspecified) => Err(DropCause::Invalid),
    }
}

fn check_value(kind: Kind, value: &PointValue) -> Result<(), DropCause> {
    match (kind, value) {
        (_, PointValue::NoRecordedValue) => Err(DropCause::NoRecordedValue),
        (_, PointValue::Invalid) => Err(DropCause::Invalid),
        // One such value would stay in the sum for ever.
        (Kind::Sum { .. }, PointValue::Number(number)) if !number.is_finite() => {
            Err(DropCause::Invalid)
        }
        (Kind::Sum { monotonic: true }, PointValue::Number(number)) if *number < 0.0 => {
            Err(DropCause::Invalid)
        }
        _ => Ok(()),
    }
}
