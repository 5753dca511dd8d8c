//! The state that an instance keeps between two exports.

use std::time::SystemTime;

use crate::drop_counts::DropCounts;
use crate::instance::family_table::FamilyTable;
use crate::instance::series::LabelPairs;
use crate::instance::streams::Streams;

/// The state of one instance.
///
/// Invariant: every series position in `streams` is valid in `families`.
#[derive(Debug, Default)]
pub(crate) struct InstanceState {
    pub(crate) families: FamilyTable,
    pub(crate) streams: Streams,
    pub(crate) drop_counts: DropCounts,
    /// The attributes of the resource, as the labels of `target_info`.
    pub(crate) target_info: LabelPairs,
    pub(crate) last_export_at: Option<SystemTime>,
    /// How many exports were ingested.
    pub(crate) revision: u64,
}
