//! All families and series of an instance.

use std::collections::{BTreeMap, HashMap};

use prompush_core::{MetricType, PUSH_FAILURE_TIME, PUSH_TIME};

use crate::claimed_names::ClaimedNames;
use crate::decode::PointValue;
use crate::drop_counts::DropCause;
use crate::instance::own_families::{DROPPED_ATTRIBUTES, DROPPED_POINTS, TARGET_INFO};
use crate::instance::series::{Components, LabelPairs, SeriesEntry};

/// The position of a series in its [`FamilyTable`]. It stays valid as long as the table lives,
/// because nothing is ever removed from a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SeriesPosition {
    /// The position of the family in [`FamilyTable::iter`].
    pub(crate) family: usize,
    /// The position of the series among the [`FamilyTable::bases`] of its family.
    pub(crate) series: usize,
}

/// The name, help text and type that a family has in Prometheus.
#[derive(Clone, Debug)]
pub(crate) struct FamilyMetadata {
    pub(crate) name: String,
    pub(crate) help: String,
    pub(crate) metric_type: MetricType,
}

/// All families of an instance.
#[derive(Debug)]
pub(crate) struct FamilyTable {
    families: Vec<FamilyEntry>,
    /// The position of each family in `families`, by its name.
    positions: HashMap<String, usize>,
    claimed_names: ClaimedNames,
    samples: usize,
}

/// One family. Invariant: it has at least one series.
#[derive(Debug)]
pub(crate) struct FamilyEntry {
    pub(crate) metadata: FamilyMetadata,
    series: Vec<SeriesEntry>,
    /// The position of each series in `series`, by its labels.
    positions: BTreeMap<LabelPairs, usize>,
}

/// Names that a program must not use: ours, and the two that a gateway adds to each group.
const RESERVED_NAMES: [&str; 5] =
    [TARGET_INFO, DROPPED_POINTS, DROPPED_ATTRIBUTES, PUSH_TIME, PUSH_FAILURE_TIME];

impl Default for FamilyTable {
    fn default() -> Self {
        Self {
            families: Vec::new(),
            positions: HashMap::new(),
            claimed_names: ClaimedNames::reserved(RESERVED_NAMES),
            samples: 0,
        }
    }
}

impl FamilyTable {
    /// Finds the series for a point with that value, or creates it.
    ///
    /// # Errors
    /// `NameClash` when the name belongs to another family's samples, `SeriesLimit` when a new
    /// series would bring the instance above `samples_max` samples.
    pub(crate) fn find_or_create(
        &mut self,
        metadata: &FamilyMetadata,
        labels: &LabelPairs,
        value: &PointValue,
        samples_max: usize,
    ) -> Result<SeriesPosition, DropCause> {
        let existing = self.positions.get(&metadata.name).copied();
        if let Some(family) = existing {
            let entry = &self.families[family];
            if entry.metadata.metric_type != metadata.metric_type {
                return Err(DropCause::NameClash);
            }
            if let Some(series) = entry.positions.get(labels) {
                return Ok(SeriesPosition { family, series: *series });
            }
        }
        let new = SeriesEntry::for_value(value);
        let samples = self.samples + new.samples(metadata.metric_type);
        if samples > samples_max {
            return Err(DropCause::SeriesLimit);
        }
        let family = match existing {
            Some(family) => family,
            None => self.create_family(metadata)?,
        };
        self.samples = samples;
        let entry = &mut self.families[family];
        let series = entry.series.len();
        entry.series.push(new);
        entry.positions.insert(labels.clone(), series);
        Ok(SeriesPosition { family, series })
    }

    fn create_family(&mut self, metadata: &FamilyMetadata) -> Result<usize, DropCause> {
        if !self.claimed_names.claim(&metadata.name, metadata.metric_type) {
            return Err(DropCause::NameClash);
        }
        let family = self.families.len();
        self.positions.insert(metadata.name.clone(), family);
        let metadata = metadata.clone();
        let entry = FamilyEntry { metadata, series: Vec::new(), positions: BTreeMap::new() };
        self.families.push(entry);
        Ok(family)
    }

    pub(crate) fn series_mut(&mut self, position: SeriesPosition) -> &mut SeriesEntry {
        &mut self.families[position.family].series[position.series]
    }

    /// How many samples all series together have.
    pub(crate) fn samples(&self) -> usize {
        self.samples
    }

    /// The base of every series of every family, at the position that [`SeriesPosition`] describes.
    pub(crate) fn bases(&self) -> Vec<Vec<Components>> {
        let bases_of =
            |family: &FamilyEntry| family.series.iter().map(|series| series.base.clone()).collect();
        self.families.iter().map(bases_of).collect()
    }

    /// Every family with its series, which are sorted by their labels.
    pub(crate) fn iter(
        &self,
    ) -> impl Iterator<
        Item = (&FamilyEntry, impl Iterator<Item = (&LabelPairs, SeriesPosition, &SeriesEntry)>),
    > {
        self.families.iter().enumerate().map(|(family_position, family)| {
            let series = family.positions.iter().map(move |(labels, series)| {
                let position = SeriesPosition { family: family_position, series: *series };
                (labels, position, &family.series[*series])
            });
            (family, series)
        })
    }
}
