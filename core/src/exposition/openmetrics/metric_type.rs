//! The types of OpenMetrics, and what their samples become in text 0.0.4.

use super::group::Part;
use crate::error::OpenMetricsRule as Rule;
use crate::exposition::MetricType;

/// A type of OpenMetrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind10 {
    Counter,
    Gauge,
    Histogram,
    GaugeHistogram,
    Summary,
    Info,
    StateSet,
    Unknown,
}

impl Kind10 {
    pub(super) fn as_str(self) -> &'static str {
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

    pub(super) fn from_word(word: &[u8]) -> Option<Self> {
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
        all.into_iter().find(|kind| kind.as_str().as_bytes() == word)
    }

    pub(super) fn may_have_unit(self) -> bool {
        !matches!(self, Self::Info | Self::StateSet)
    }

    /// The suffixes of a family's sample names, and what each becomes in text 0.0.4.
    pub(super) fn suffixes(self) -> &'static [(&'static str, Becomes)] {
        match self {
            Self::Counter => {
                &[("_total", Becomes::Own(MetricType::Counter)), ("_created", Becomes::GAUGE)]
            }
            Self::Gauge | Self::StateSet => &[("", Becomes::GAUGE)],
            Self::Unknown => &[("", Becomes::Own(MetricType::Untyped))],
            Self::Info => &[("_info", Becomes::GAUGE)],
            Self::GaugeHistogram => &[
                ("_bucket", Becomes::GAUGE),
                ("_gcount", Becomes::GAUGE),
                ("_gsum", Becomes::GAUGE),
            ],
            Self::Histogram => &[
                ("_bucket", Becomes::Bucket),
                ("_count", Becomes::Count),
                ("_sum", Becomes::Sum),
                ("_created", Becomes::GAUGE),
            ],
            Self::Summary => &[
                ("", Becomes::Quantile),
                ("_count", Becomes::Count),
                ("_sum", Becomes::Sum),
                ("_created", Becomes::GAUGE),
            ],
        }
    }
}

/// What a sample becomes in text 0.0.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Becomes {
    /// A metric of a family that has the sample's own name.
    Own(MetricType),
    Bucket,
    Quantile,
    Count,
    Sum,
}

impl Becomes {
    pub(super) const GAUGE: Self = Self::Own(MetricType::Gauge);

    /// Whether it is one of the numbers of a histogram or a summary that has such a label as a bound.
    pub(super) fn is_part(self) -> bool {
        matches!(self, Self::Bucket | Self::Quantile)
    }

    /// The label that says which bucket or quantile a sample is.
    pub(super) fn bound_name(self, kind: Kind10, sample: &str) -> Option<&'static str> {
        match self {
            Self::Bucket => Some("le"),
            Self::Quantile => Some("quantile"),
            _ if kind == Kind10::GaugeHistogram && sample.ends_with("_bucket") => Some("le"),
            _ => None,
        }
    }
}

/// Whether a sample may have that value.
pub(super) fn check_value(
    kind: Kind10,
    becomes: Becomes,
    name: &str,
    value: f64,
) -> Result<(), Rule> {
    let is_count = matches!(becomes, Becomes::Bucket | Becomes::Count)
        || kind == Kind10::GaugeHistogram && !name.ends_with("_gsum");
    let is_counter = becomes == Becomes::Own(MetricType::Counter);
    if (is_count || is_counter) && (value < 0.0 || value.is_nan()) {
        return Err(Rule::Negative(name.to_owned()));
    }
    if is_count && (value.is_infinite() || value.fract() != 0.0) {
        return Err(Rule::Fraction(name.to_owned()));
    }
    let is = |state: f64| (value - state).abs() < f64::EPSILON;
    let is_state = match kind {
        Kind10::Info => is(1.0),
        Kind10::StateSet => is(0.0) || is(1.0),
        _ => true,
    };
    if is_state { Ok(()) } else { Err(Rule::State(name.to_owned())) }
}

/// What a sample says of a histogram.
pub(super) fn part(kind: Kind10, name: &str, bound: Option<f64>, value: f64) -> Part {
    if !matches!(kind, Kind10::Histogram | Kind10::GaugeHistogram) {
        return Part::Other;
    }
    match bound {
        Some(bound) => Part::Bucket { bound, count: value },
        None if name.ends_with("count") => Part::Count(value),
        None if name.ends_with("sum") => Part::Sum,
        None => Part::Other,
    }
}
