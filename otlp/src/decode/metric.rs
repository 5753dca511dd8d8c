//! The properties that all points of a metric share.

/// A metric, without its points.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OtlpMetric<'a> {
    /// The encoded resource, which tells metrics of different resources apart.
    pub(crate) resource: &'a [u8],
    /// The encoded instrumentation scope, which tells metrics of different scopes apart.
    pub(crate) scope: &'a [u8],
    pub(crate) name: &'a str,
    pub(crate) description: &'a str,
    /// In UCUM, such as `s` or `By`.
    pub(crate) unit: &'a str,
    pub(crate) kind: PointKind,
    pub(crate) temporality: Temporality,
}

/// The kinds of points that OTLP has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum PointKind {
    Gauge,
    /// With `monotonic`, it only grows.
    Sum {
        monotonic: bool,
    },
    Histogram,
    ExponentialHistogram,
    Summary,
}

/// The interval that a point covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Temporality {
    /// The metric does not say, which OTLP forbids.
    Unspecified,
    /// The time since the previous point.
    Delta,
    /// The time since the start of the series.
    Cumulative,
}
