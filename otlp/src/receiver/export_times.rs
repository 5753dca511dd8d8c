//! Times in an export, which show that two exports come from the same process.

use crate::decode::{DataPoint, Export, OtlpMetric, Visitor};

/// The start and end of the series in an export, in nanoseconds since 1970.
///
/// A process reads its clock when a series begins, and sends that time with the series as long as
/// it lives. In cumulative exports, the earliest start time therefore never changes. In delta
/// exports, each series begins again at the time of the previous export. Two processes are not
/// expected to read the same nanosecond.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ExportTimes {
    /// When the oldest series began; 0 when no series has a start time.
    pub(crate) earliest_start: u64,
    /// When the latest point was taken.
    pub(crate) latest: u64,
}

impl ExportTimes {
    pub(crate) fn of(export: &Export) -> Self {
        let mut times = Self::default();
        export.visit(&mut times);
        times
    }

    /// Whether the export continues the series of an `earlier` export, so that both come from the
    /// same process.
    pub(crate) fn continues(self, earlier: Self) -> bool {
        let start = self.earliest_start;
        start != 0 && (start == earlier.earliest_start || start == earlier.latest)
    }
}

impl Visitor for ExportTimes {
    fn metric(&mut self, _: &OtlpMetric<'_>) {}

    fn point(&mut self, _: &OtlpMetric<'_>, point: DataPoint<'_>) {
        if point.start != 0 && (self.earliest_start == 0 || point.start < self.earliest_start) {
            self.earliest_start = point.start;
        }
        self.latest = self.latest.max(point.time);
    }
}
