//! The types of OpenMetrics 1.0, and the roles of their samples in text 0.0.4.

use crate::error::OpenMetricsRule as Rule;
use crate::exposition::MetricType;
use crate::exposition::openmetrics::metric_order::HistogramSample;
use crate::exposition::sample_names::{
    BUCKET, COUNT, CREATED, GAUGE_COUNT, GAUGE_SUM, INFO, SUM, Suffix, TOTAL,
};

/// A type of OpenMetrics 1.0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OpenMetricsType {
    Counter,
    Gauge,
    Histogram,
    GaugeHistogram,
    Summary,
    Info,
    StateSet,
    Unknown,
}

impl OpenMetricsType {
    /// The type's name in a `# TYPE` line.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::GaugeHistogram => "gaugehistogram",
            Self::Summary => "summary",
            Self::Info => "info",
            Self::StateSet => "stateset",
            Self::Unknown => "unknown",
        }
    }

    /// The type with this name.
    pub(crate) fn parse(word: &[u8]) -> Option<Self> {
        let all = [
            Self::Counter,
            Self::Gauge,
            Self::Histogram,
            Self::GaugeHistogram,
            Self::Summary,
            Self::Info,
            Self::StateSet,
            Self::Unknown,
        ];
        all.into_iter().find(|family_type| family_type.as_str().as_bytes() == word)
    }

    pub(crate) fn may_have_unit(self) -> bool {
        !matches!(self, Self::Info | Self::StateSet)
    }

    /// The suffixes that the sample names of such a family have, each with the sample's role.
    pub(crate) fn suffixes(self) -> &'static [(&'static str, SampleRole)] {
        match self {
            Self::Counter => {
                &[(TOTAL, SampleRole::OwnFamily(MetricType::Counter)), (CREATED, SampleRole::GAUGE)]
            }
            Self::Gauge | Self::StateSet => &[("", SampleRole::GAUGE)],
            Self::Unknown => &[("", SampleRole::OwnFamily(MetricType::Untyped))],
            Self::Info => &[(INFO, SampleRole::GAUGE)],
            Self::GaugeHistogram => &[
                (BUCKET, SampleRole::GAUGE),
                (GAUGE_COUNT, SampleRole::GAUGE),
                (GAUGE_SUM, SampleRole::GAUGE),
            ],
            Self::Histogram => &[
                (BUCKET, SampleRole::Bucket),
                (COUNT, SampleRole::Count),
                (SUM, SampleRole::Sum),
                (CREATED, SampleRole::GAUGE),
            ],
            Self::Summary => &[
                ("", SampleRole::Quantile),
                (COUNT, SampleRole::Count),
                (SUM, SampleRole::Sum),
                (CREATED, SampleRole::GAUGE),
            ],
        }
    }
}

/// The role of an OpenMetrics sample in text 0.0.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SampleRole {
    /// A metric of this type, in a family with the sample's own name.
    OwnFamily(MetricType),
    /// A bucket of its family's histogram.
    Bucket,
    /// A quantile of its family's summary.
    Quantile,
    /// The count of its family's histogram or summary.
    Count,
    /// The sum of its family's histogram or summary.
    Sum,
}

impl SampleRole {
    pub(crate) const GAUGE: Self = Self::OwnFamily(MetricType::Gauge);

    /// The suffix of the sample in text 0.0.4, if it belongs to a histogram or a summary.
    pub(crate) fn suffix(self) -> Option<Suffix> {
        match self {
            Self::Bucket => Some(Suffix::Bucket),
            Self::Count => Some(Suffix::Count),
            Self::Sum => Some(Suffix::Sum),
            Self::Quantile | Self::OwnFamily(_) => None,
        }
    }

    /// Whether the sample has a label `le` or `quantile` in text 0.0.4 that is no label of its metric.
    pub(crate) fn has_bound(self) -> bool {
        matches!(self, Self::Bucket | Self::Quantile)
    }

    /// The name of the label with the bucket's bound or the quantile, if the sample has one.
    pub(crate) fn bound_name(
        self,
        family_type: OpenMetricsType,
        sample: &str,
    ) -> Option<&'static str> {
        match self {
            Self::Bucket => Some("le"),
            Self::Quantile => Some("quantile"),
            _ if family_type == OpenMetricsType::GaugeHistogram && sample.ends_with(BUCKET) => {
                Some("le")
            }
            _ => None,
        }
    }
}

/// Checks whether a sample may have this value.
pub(crate) fn check_value(
    family_type: OpenMetricsType,
    role: SampleRole,
    name: &str,
    value: f64,
) -> Result<(), Rule> {
    let is_count = matches!(role, SampleRole::Bucket | SampleRole::Count)
        || family_type == OpenMetricsType::GaugeHistogram && !name.ends_with(GAUGE_SUM);
    let is_counter = role == SampleRole::OwnFamily(MetricType::Counter);
    if (is_count || is_counter) && (value < 0.0 || value.is_nan()) {
        return Err(Rule::Negative(name.to_owned()));
    }
    if is_count && (value.is_infinite() || value.fract() != 0.0) {
        return Err(Rule::Fraction(name.to_owned()));
    }
    let is = |state: f64| (value - state).abs() < f64::EPSILON;
    let is_state = match family_type {
        OpenMetricsType::Info => is(1.0),
        OpenMetricsType::StateSet => is(0.0) || is(1.0),
        _ => true,
    };
    if is_state { Ok(()) } else { Err(Rule::State(name.to_owned())) }
}

/// The part of a histogram that a sample is, for the checks of the histogram as a whole.
pub(crate) fn histogram_sample(
    family_type: OpenMetricsType,
    name: &str,
    bound: Option<f64>,
    value: f64,
) -> HistogramSample {
    if !matches!(family_type, OpenMetricsType::Histogram | OpenMetricsType::GaugeHistogram) {
        return HistogramSample::Other;
    }
    match bound {
        Some(bound) => HistogramSample::Bucket { bound, count: value },
        None if name.ends_with("count") => HistogramSample::Count(value),
        None if name.ends_with("sum") => HistogramSample::Sum,
        None => HistogramSample::Other,
    }
}
