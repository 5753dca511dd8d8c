//! What shows that two exports come from one process, whatever connection they came on.

use crate::otlp::{Export, Metric, Point, Visitor};

/// When the series of an export began and when they were read, in nanoseconds since 1970.
///
/// A process reads its clock when a series begins and sends that time with the series for as long as it lives:
/// in cumulative exports the earliest of these times never changes. In delta exports a series begins
/// anew at the time of the export before. Two processes that read the same nanosecond are not to be expected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Lineage {
    /// When the oldest series began; 0 where no series says it.
    pub(super) earliest: u64,
    /// When the latest point was read.
    pub(super) latest: u64,
}

impl Lineage {
    pub(super) fn of(export: &Export) -> Self {
        let mut lineage = Self::default();
        export.visit(&mut lineage);
        lineage
    }

    /// Whether the process that sent this sent `earlier` before.
    pub(super) fn continues(self, earlier: Self) -> bool {
        self.earliest != 0 && (self.earliest == earlier.earliest || self.earliest == earlier.latest)
    }
}

impl Visitor for Lineage {
    fn metric(&mut self, _: &Metric<'_>) {}

    fn point(&mut self, _: &Metric<'_>, point: Point<'_>) {
        if point.start != 0 && (self.earliest == 0 || point.start < self.earliest) {
            self.earliest = point.start;
        }
        self.latest = self.latest.max(point.time);
    }
}
