//! The renderer turns the exposition in a body into the samples of each metric family.

use std::collections::BTreeMap;
use std::hash::BuildHasher;
use std::sync::Arc;

use prompush_core::text::{write_metric, write_sample};
use prompush_core::{
    Exposition, MetricFamily, MetricType, MetricValue, PUSH_FAILURE_TIME, PUSH_TIME, PUSH_TTL,
};

use crate::error::{Inconsistency, StoreError};
use crate::group_labels::GroupLabels;
use crate::render::metric_labels::{check_group_labels, escape_metric_name, write_metric_labels};
use crate::render::samples::{RenderedSamples, SamplesBuilder};
use crate::text_format::number::GoNumber;

/// A rendered push. The store takes it if it is consistent with the other groups.
#[derive(Debug, Default)]
pub(crate) struct RenderedPush {
    /// The families by name. Each has at least one metric.
    pub(crate) families: BTreeMap<Arc<str>, RenderedFamily>,
    /// The largest positive value of [`PUSH_TTL`] in the push, in seconds. `None` if there is no such value.
    pub(crate) ttl_seconds: Option<f64>,
}

/// One metric family of a push.
#[derive(Debug)]
pub(crate) struct RenderedFamily {
    pub(crate) metric_type: MetricType,
    /// The help text. It is not empty.
    pub(crate) help: Option<Arc<str>>,
    pub(crate) samples: RenderedSamples,
}

/// Renders pushes for one store.
#[derive(Clone, Debug)]
pub(crate) struct Renderer {
    /// Hashes the labels of a series. Its key is random, so that no client can choose labels with equal hashes.
    hasher: foldhash::quality::RandomState,
    /// Limit on the bytes of all samples of one push.
    bytes_max: usize,
}

impl Renderer {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { hasher: foldhash::quality::RandomState::default(), bytes_max }
    }

    /// Renders all families of a push to the group with the labels `group`.
    ///
    /// If the body contains the two families with the push times of a group, they are left out: the gateway itself
    /// sets them.
    ///
    /// # Errors
    ///
    /// [`StoreError::Inconsistent`] if the push by itself is inconsistent, and [`StoreError::Full`] if its samples
    /// are larger than the limit.
    pub(crate) fn render(
        &self,
        exposition: &Exposition<'_>,
        group: &GroupLabels,
    ) -> Result<RenderedPush, StoreError> {
        let mut metrics = exposition.families.iter().flat_map(|family| &family.metrics);
        if metrics.any(|metric| metric.timestamp_ms.is_some()) {
            return Err(Inconsistency::Timestamp.into());
        }
        let mut rendered = RenderedPush::default();
        let mut bytes_left = self.bytes_max;
        for family in &exposition.families {
            let name = escape_metric_name(&family.name);
            if matches!(name.as_ref(), PUSH_TIME | PUSH_FAILURE_TIME) || family.metrics.is_empty() {
                continue;
            }
            if name.is_empty() {
                return Err(Inconsistency::NoName.into());
            }
            if name == PUSH_TTL {
                rendered.ttl_seconds = ttl_seconds(family);
            }
            let samples = self.render_family(family, &name, group, bytes_left)?;
            bytes_left = bytes_left.saturating_sub(samples.text().len());
            let help = family.help.as_deref().filter(|help| !help.is_empty()).map(Arc::from);
            let metric_type = family.metric_type;
            let rendered_family = RenderedFamily { metric_type, help, samples };
            // Two different names can become equal by escaping. As one family they could have two types.
            if rendered.families.insert(Arc::from(name.as_ref()), rendered_family).is_some() {
                let (family, labels) = (name.into_owned(), String::new());
                return Err(Inconsistency::Duplicate { family, labels }.into());
            }
        }
        Ok(rendered)
    }

    /// Renders a gauge that has only the labels of the group.
    pub(crate) fn render_gauge(
        &self,
        name: &str,
        group: &GroupLabels,
        value: f64,
    ) -> RenderedFamily {
        let mut builder = SamplesBuilder::default();
        let labels = group.to_text();
        let written = write_sample(builder.text(), name, "", &labels, &GoNumber(value));
        builder.end_metric(written, self.hash(&labels));
        RenderedFamily { metric_type: MetricType::Gauge, help: None, samples: builder.finish() }
    }

    fn hash(&self, labels: &[u8]) -> u64 {
        self.hasher.hash_one(labels)
    }

    fn render_family(
        &self,
        family: &MetricFamily<'_>,
        name: &str,
        group: &GroupLabels,
        bytes_max: usize,
    ) -> Result<RenderedSamples, StoreError> {
        check_group_labels(family.metric_type, name, group)?;
        let mut builder = SamplesBuilder::default();
        let mut labels = Vec::new();
        for metric in &family.metrics {
            labels.clear();
            write_metric_labels(&mut labels, name, metric, group)?;
            check_value(family.metric_type, name, &metric.value, &labels)?;
            let text = builder.text();
            let written = write_metric(text, name, &labels, &metric.value, GoNumber, GoNumber);
            // The limit is checked after each metric, because a small body can become large: every sample repeats the
            // labels of the group.
            if builder.text().len() > bytes_max.min(SamplesBuilder::BYTES_MAX) {
                return Err(StoreError::Full { limit: self.bytes_max, unit: "bytes of samples" });
            }
            builder.end_metric(written.labels, self.hash(&labels));
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

/// Refuses a value that does not fit the type of its family. Only a protobuf body can contain one.
fn check_value(
    metric_type: MetricType,
    family: &str,
    value: &MetricValue,
    labels: &[u8],
) -> Result<(), Inconsistency> {
    let fits = match metric_type {
        MetricType::Counter | MetricType::Gauge | MetricType::Untyped => {
            matches!(value, MetricValue::Number(_))
        }
        MetricType::Histogram => matches!(value, MetricValue::Histogram(_)),
        MetricType::Summary => matches!(value, MetricValue::Summary(_)),
    };
    if fits {
        return Ok(());
    }
    Err(Inconsistency::Value {
        family: family.to_owned(),
        labels: String::from_utf8_lossy(labels).into_owned(),
        metric_type: metric_type.as_str().to_ascii_uppercase(),
    })
}

/// The largest value of the family that is a lifetime: it is positive, and `+Inf` means for ever.
fn ttl_seconds(family: &MetricFamily<'_>) -> Option<f64> {
    let values = family.metrics.iter().filter_map(|metric| match metric.value {
        MetricValue::Number(seconds) if seconds > 0.0 => Some(seconds),
        _ => None,
    });
    values.reduce(f64::max)
}
