//! The properties that all points of a metric share.

/// Everything about a metric but its points.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OtlpMetric<'a> {
    /// The resource's message as it came, to tell resources apart.
    pub(crate) resource: &'a [u8],
    /// The scope's message as it came, to tell scopes apart.
    pub(crate) scope: &'a [u8],
    pub(crate) name: &'a str,
    pub(crate) description: &'a str,
    pub(crate) unit: &'a str,
    pub(crate) kind: PointKind,
    pub(crate) temporality: Temporality,
}

/// The kinds of metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum PointKind {
    Gauge,
    Sum { monotonic: bool },
    Histogram,
    ExponentialHistogram,
    Summary,
}

/// Whether points say what has come since the start, or since the point before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Temporality {
    Unspecified,
    Delta,
    Cumulative,
}
