//! Takes an export into the state of its instance.

use std::collections::{BTreeMap, HashMap};

use prompush_core::MetricType;
use prompush_core::protobuf::Reason;

use crate::decode::{
    Attribute, DataPoint, Export, OtlpMetric, PointKind, PointValue, Temporality, Visitor,
};
use crate::drop_counts::{DropCause, DropNotice};
use crate::instance::family_table::FamilyMetadata;
use crate::instance::own_families::TARGET_INFO;
use crate::instance::series::LabelPairs;
use crate::instance::state::InstanceState;
use crate::instance::streams::Stream;
use crate::names;
use crate::rules::Rules;

/// Longest help text, in bytes. Longer ones are cut.
const HELP_BYTES_MAX: usize = 1_000;
/// Longest name and longest unit of a metric, in bytes. A metric with a longer one is dropped.
const NAME_BYTES_MAX: usize = 250;
/// Most bytes of all label names and values of a point. A point with more is dropped.
const LABELS_BYTES_MAX: usize = 4_000;
/// Most attributes of a metric whose label names are cached.
const LABEL_NAMES_MAX: usize = 1_000;

/// The outcome of ingesting an export.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ingested {
    /// Points that are part of what is pushed.
    pub taken: usize,
    /// Points that were dropped, by a rule or for another cause.
    pub dropped: usize,
    /// A notice for each metric or attribute that was dropped for the first time: at most 100
    /// notices over the life of an instance.
    pub notices: Vec<DropNotice>,
}

/// Adds `export` to `state`.
pub(crate) fn ingest(
    state: &mut InstanceState,
    rules: &Rules,
    sender: u64,
    export: &Export,
) -> Ingested {
    let mut ingester = Ingester {
        state,
        rules,
        sender,
        ingested: Ingested::default(),
        metric: Err(DropCause::Invalid),
        label_names: HashMap::new(),
    };
    export.visit(&mut ingester);
    ingester.ingested
}

struct Ingester<'a> {
    state: &'a mut InstanceState,
    rules: &'a Rules,
    sender: u64,
    ingested: Ingested,
    /// The metric whose points follow, or why they are dropped.
    metric: Result<TranslatedMetric, DropCause>,
    /// The label name for each attribute of this metric; `None` for one that is dropped.
    label_names: HashMap<String, Option<String>>,
}

/// A metric as it will be stored.
struct TranslatedMetric {
    metadata: FamilyMetadata,
    aggregation: Aggregation,
}

/// How the values of a stream become the value of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Aggregation {
    /// The last value of any stream replaces the value of the series.
    LastValue,
    /// Streams that only grow since their start are summed.
    Cumulative,
    /// Streams that go up and down are summed.
    UpDown,
    /// Every value is added to the series.
    Delta,
}

impl Visitor for Ingester<'_> {
    fn resource(&mut self, attributes: Vec<Attribute<'_>>) -> Result<(), Reason> {
        let label_name = |key: &str| label_name(self.rules, key, [TARGET_INFO; 2]);
        if let Ok(labels) = label_pairs(&attributes, label_name) {
            self.state.target_info = labels;
        }
        Ok(())
    }

    fn metric(&mut self, metric: &OtlpMetric<'_>) {
        self.label_names.clear();
        self.metric = translate(self.rules, metric);
    }

    fn point(&mut self, metric: &OtlpMetric<'_>, mut point: DataPoint<'_>) {
        // Sorted, so that the order in which a program writes attributes does not matter.
        point.attributes.sort_by(|a, b| a.key.cmp(b.key));
        match self.ingest_point(metric, &point) {
            Ok(()) => self.ingested.taken += 1,
            Err(cause) => {
                self.ingested.dropped += 1;
                let notice = self.state.drop_counts.count_point(cause, metric.name);
                self.ingested.notices.extend(notice);
            }
        }
    }
}

impl Ingester<'_> {
    fn ingest_point(
        &mut self,
        metric: &OtlpMetric<'_>,
        point: &DataPoint<'_>,
    ) -> Result<(), DropCause> {
        let Self { state, rules, sender, ingested, metric: translated, label_names } = self;
        let translated = translated.as_ref().map_err(|cause| *cause)?;
        let TranslatedMetric { metadata, aggregation } = translated;
        check_value(metric.kind, &point.value)?;
        let InstanceState { families, streams, drop_counts, .. } = &mut **state;
        let names = [metric.name, &metadata.name];
        let labels = label_pairs(&point.attributes, |key| {
            if label_names.len() > LABEL_NAMES_MAX {
                label_names.clear();
            }
            if !label_names.contains_key(key) {
                label_names.insert(key.to_owned(), label_name(rules, key, names));
            }
            let name = label_names.get(key).cloned().flatten();
            if name.is_none() {
                ingested.notices.extend(drop_counts.count_attribute(key, metric.name));
            }
            name
        })?;
        let samples_max = rules.samples_max();
        let position = families.find_or_create(metadata, &labels, &point.value, samples_max)?;
        let series = families.series_mut(position);
        let components = series.components(&point.value).ok_or(DropCause::Invalid)?;
        // A growing stream with another start time comes from another process, or from one that
        // restarted: its value has to be added, not to replace the last one.
        let start_in_id = (*aggregation == Aggregation::Cumulative).then_some(point.start);
        let id = streams.id(metric, point, start_in_id);
        let DataPoint { start, time, .. } = *point;
        let update = Stream { id, series: position, sender: *sender, start, time, components };
        match aggregation {
            Aggregation::LastValue => series.base = update.components,
            Aggregation::Cumulative => series.add(&streams.cumulative(update)?),
            Aggregation::UpDown => streams.up_down(update)?,
            Aggregation::Delta => series.add(&streams.delta(update)?),
        }
        if metric.kind == PointKind::Summary {
            series.set_quantiles(&point.value, streams.id(metric, point, None));
        }
        Ok(())
    }
}

/// The labels for attributes that are sorted by key, with the names that `label_name` gives.
/// Values of attributes that get the same label name are joined by `;`.
fn label_pairs(
    attributes: &[Attribute<'_>],
    mut label_name: impl FnMut(&str) -> Option<String>,
) -> Result<LabelPairs, DropCause> {
    let mut labels: BTreeMap<String, String> = BTreeMap::new();
    let mut bytes = 0_usize;
    for Attribute { key, value } in attributes {
        // Prometheus treats an empty label as a missing one.
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

/// The label name for an attribute; `None` when a rule drops the attribute, or when no character
/// of its key is allowed in a label name.
fn label_name(rules: &Rules, key: &str, metric: [&str; 2]) -> Option<String> {
    let name = names::label_name(key)?;
    rules.keeps_attribute([key, &name], metric).then(|| rules.unreserved_label(name))
}

/// Translates everything of `metric` but its points.
fn translate(rules: &Rules, metric: &OtlpMetric<'_>) -> Result<TranslatedMetric, DropCause> {
    let too_long = metric.name.len() > NAME_BYTES_MAX || metric.unit.len() > NAME_BYTES_MAX;
    let name =
        if too_long { None } else { names::family_name(metric.name, metric.unit, metric.kind) };
    let name = name.ok_or(DropCause::Name)?;
    if !rules.keeps_metric([metric.name, &name]) {
        return Err(DropCause::MetricRule);
    }
    let help = metric.description;
    let help = help.get(..help.floor_char_boundary(HELP_BYTES_MAX)).unwrap_or_default();
    let metric_type = match metric.kind {
        PointKind::Sum { monotonic: true } => MetricType::Counter,
        PointKind::Gauge | PointKind::Sum { monotonic: false } => MetricType::Gauge,
        PointKind::Histogram | PointKind::ExponentialHistogram => MetricType::Histogram,
        PointKind::Summary => MetricType::Summary,
    };
    Ok(TranslatedMetric {
        metadata: FamilyMetadata { name, help: help.to_owned(), metric_type },
        aggregation: aggregation(metric.kind, metric.temporality)?,
    })
}

fn aggregation(kind: PointKind, temporality: Temporality) -> Result<Aggregation, DropCause> {
    match (kind, temporality) {
        (PointKind::Gauge, _) => Ok(Aggregation::LastValue),
        (PointKind::Summary, _) => Ok(Aggregation::Cumulative),
        (_, Temporality::Delta) => Ok(Aggregation::Delta),
        (PointKind::Sum { monotonic: false }, Temporality::Cumulative) => Ok(Aggregation::UpDown),
        (_, Temporality::Cumulative) => Ok(Aggregation::Cumulative),
        (_, Temporality::Unspecified) => Err(DropCause::Invalid),
    }
}

fn check_value(kind: PointKind, value: &PointValue) -> Result<(), DropCause> {
    match (kind, value) {
        (_, PointValue::NoRecordedValue) => Err(DropCause::NoRecordedValue),
        (_, PointValue::Invalid) => Err(DropCause::Invalid),
        // A single NaN or infinity would stay in the sum for ever.
        (PointKind::Sum { .. }, PointValue::Number(number)) if !number.is_finite() => {
            Err(DropCause::Invalid)
        }
        (PointKind::Sum { monotonic: true }, PointValue::Number(number)) if *number < 0.0 => {
            Err(DropCause::Invalid)
        }
        _ => Ok(()),
    }
}
