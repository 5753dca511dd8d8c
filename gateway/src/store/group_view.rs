//! A group with its metric families, to read.

use std::collections::BTreeMap;
use std::sync::Arc;

use prompush_core::MetricType;

use crate::group_labels::GroupLabels;
use crate::store::group::StoredGroup;
use crate::store::stored_family::{FamilyPart, StoredFamily};

/// A group with its metric families, to read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GroupView<'a> {
    pub(crate) group: &'a StoredGroup,
    /// The families of the store by name.
    pub(crate) families: &'a BTreeMap<Arc<str>, StoredFamily>,
}

impl<'a> GroupView<'a> {
    pub(crate) fn labels(&self) -> &'a GroupLabels {
        &self.group.labels
    }

    pub(crate) fn last_push_successful(&self) -> bool {
        self.group.last_push_successful
    }

    /// The group's families, sorted by name.
    pub(crate) fn families(&self) -> impl Iterator<Item = (&'a str, MetricType, &'a FamilyPart)> {
        let families = self.families;
        self.group.parts.iter().filter_map(move |(name, index)| {
            let family = families.get(name)?;
            Some((name.as_ref(), family.metric_type(), family.part(*index)?))
        })
    }
}
