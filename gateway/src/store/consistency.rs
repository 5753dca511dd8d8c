//! The check that a push keeps the exposition consistent, in time proportional to the push.

use std::collections::BTreeMap;
use std::sync::Arc;

use prompush_core::sample_names::{compound_family, suffixed};
use prompush_core::{MetricType, PUSH_TIME};

use crate::error::Inconsistency;
use crate::own_metrics;
use crate::render::renderer::{RenderedFamily, RenderedPush};
use crate::store::group::StoredGroup;
use crate::store::series_index::PartIndex;
use crate::store::stored_family::StoredFamily;

/// A push, and what the store has before it.
pub(crate) struct ConsistencyCheck<'a> {
    /// The families of the store by name.
    pub(crate) families: &'a BTreeMap<Arc<str>, StoredFamily>,
    /// The group to which the push goes. `None` if the push creates it.
    pub(crate) group: Option<&'a StoredGroup>,
    pub(crate) push: &'a RenderedPush,
    /// Whether the push replaces the whole group.
    pub(crate) replace: bool,
}

impl ConsistencyCheck<'_> {
    /// Checks every family of the push.
    ///
    /// # Errors
    ///
    /// The first inconsistency.
    pub(crate) fn check(&self) -> Result<(), Inconsistency> {
        self.push.families.iter().try_for_each(|(name, pushed)| self.check_family(name, pushed))
    }

    fn check_family(&self, name: &str, pushed: &RenderedFamily) -> Result<(), Inconsistency> {
        if let Some(own_type) = own_metrics::type_of(name)
            && own_type != pushed.metric_type
        {
            return Err(Inconsistency::OwnType {
                family: name.to_owned(),
                existing: upper_case(own_type),
                pushed: upper_case(pushed.metric_type),
            });
        }
        self.check_that_name_is_no_sample_name(name)?;
        self.check_that_sample_names_are_free(name, pushed.metric_type)?;
        let Some(family) = self.families.get(name) else { return Ok(()) };
        let part = self.part(name);
        if !family.has_other_part(part) {
            return Ok(());
        }
        if family.metric_type() != pushed.metric_type {
            return Err(Inconsistency::TypeClash {
                family: name.to_owned(),
                existing: upper_case(family.metric_type()),
                pushed: upper_case(pushed.metric_type),
            });
        }
        match pushed.samples.metrics().find(|metric| family.has_series(metric, part)) {
            Some(metric) => Err(Inconsistency::Duplicate {
                family: name.to_owned(),
                labels: String::from_utf8_lossy(metric.labels).into_owned(),
            }),
            None => Ok(()),
        }
    }

    /// The part that the group has of a family before the push.
    fn part(&self, name: &str) -> Option<PartIndex> {
        self.group?.parts.get(name).copied()
    }

    /// Refuses a family with a name such as `h_count` if `h` is a histogram or summary.
    fn check_that_name_is_no_sample_name(&self, name: &str) -> Result<(), Inconsistency> {
        match compound_family(name, |family| self.type_after_push(family)) {
            Some((other, metric_type)) => Err(Inconsistency::Suffix {
                family: name.to_owned(),
                what: metric_type.as_str(),
                other: other.to_owned(),
            }),
            None => Ok(()),
        }
    }

    /// Refuses a histogram or summary `h` if there is a family with a name such as `h_count`.
    fn check_that_sample_names_are_free(
        &self,
        name: &str,
        metric_type: MetricType,
    ) -> Result<(), Inconsistency> {
        match suffixed(name, metric_type).find(|other| self.type_after_push(other).is_some()) {
            Some(other) => {
                Err(Inconsistency::Suffix { family: name.to_owned(), what: "metric", other })
            }
            None => Ok(()),
        }
    }

    /// The type that a family has after the push. `None` if there is no such family then.
    fn type_after_push(&self, name: &str) -> Option<MetricType> {
        if let Some(pushed) = self.push.families.get(name) {
            return Some(pushed.metric_type);
        }
        let stays =
            |family: &&StoredFamily| !self.replace || family.has_other_part(self.part(name));
        let stored = self.families.get(name).filter(stays);
        stored.map(StoredFamily::metric_type).or_else(|| own_metrics::type_of(name))
    }
}

/// Refuses a new group whose push times would have the same labels as those of another group: a group without
/// `instance` and one with an empty `instance`.
///
/// # Errors
///
/// [`Inconsistency::Duplicate`] with the labels.
pub(crate) fn check_push_time(
    families: &BTreeMap<Arc<str>, StoredFamily>,
    push_time: &RenderedFamily,
) -> Result<(), Inconsistency> {
    let Some(family) = families.get(PUSH_TIME) else { return Ok(()) };
    match push_time.samples.metrics().find(|metric| family.has_series(metric, None)) {
        Some(metric) => Err(Inconsistency::Duplicate {
            family: PUSH_TIME.to_owned(),
            labels: String::from_utf8_lossy(metric.labels).into_owned(),
        }),
        None => Ok(()),
    }
}

/// A type as upstream's messages name it, such as `COUNTER`.
fn upper_case(metric_type: MetricType) -> String {
    metric_type.as_str().to_ascii_uppercase()
}
