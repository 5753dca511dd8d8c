//! The names of samples: which suffixes the samples of a metric family have.
//!
//! A histogram `h` exposes the samples `h_bucket`, `h_sum` and `h_count`. So no other family of the
//! same exposition may have one of these names. This file is the only place with rules about
//! suffixes: the parsers, the registry, [`check`](crate::check) and the gateway use it.
//!
//! Sources: Prometheus, "Exposition formats"; OpenMetrics 1.0, "Metric types".

use crate::exposition::MetricType;

/// The suffix of a histogram's buckets, each with a label `le`.
pub const BUCKET: &str = "_bucket";
/// The suffix of the sum of a histogram's or a summary's observations.
pub const SUM: &str = "_sum";
/// The suffix of the number of a histogram's or a summary's observations.
pub const COUNT: &str = "_count";
/// The suffix of a counter: part of the family's name in text 0.0.4, not in OpenMetrics.
pub const TOTAL: &str = "_total";
/// The suffix of the time when a series began, in OpenMetrics.
pub const CREATED: &str = "_created";
/// The suffix of an info: part of the family's name in text 0.0.4, not in OpenMetrics.
pub const INFO: &str = "_info";
/// The suffix of the sum of a gauge histogram, in OpenMetrics.
pub const GAUGE_SUM: &str = "_gsum";
/// The suffix of the count of a gauge histogram, in OpenMetrics.
pub const GAUGE_COUNT: &str = "_gcount";

/// A suffix of the samples of a histogram or a summary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Suffix {
    /// The suffix [`BUCKET`].
    Bucket,
    /// The suffix [`SUM`].
    Sum,
    /// The suffix [`COUNT`].
    Count,
}

impl Suffix {
    /// All three suffixes.
    pub const ALL: [Self; 3] = [Self::Bucket, Self::Sum, Self::Count];

    /// The text behind the family's name, such as `_bucket`.
    #[inline]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bucket => BUCKET,
            Self::Sum => SUM,
            Self::Count => COUNT,
        }
    }

    /// Whether a family of this type exposes samples with the suffix: a histogram has all three,
    /// a summary has no buckets, and the other types have none.
    #[inline]
    pub const fn is_of(self, metric_type: MetricType) -> bool {
        match metric_type {
            MetricType::Histogram => true,
            MetricType::Summary => !matches!(self, Self::Bucket),
            MetricType::Counter | MetricType::Gauge | MetricType::Untyped => false,
        }
    }

    /// The suffix at the end of `name`, with the name before it.
    ///
    /// ```
    /// use prompush_core::sample_names::Suffix;
    ///
    /// assert_eq!(Suffix::split("size_bytes_sum"), Some(("size_bytes", Suffix::Sum)));
    /// assert_eq!(Suffix::split("size_bytes"), None);
    /// ```
    #[inline]
    pub fn split(name: &str) -> Option<(&str, Self)> {
        Self::ALL.into_iter().find_map(|suffix| Some((name.strip_suffix(suffix.as_str())?, suffix)))
    }

    /// The suffixes that the samples of a family of this type have, if any.
    pub fn all_of(metric_type: MetricType) -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(move |suffix| suffix.is_of(metric_type))
    }
}

/// The histogram or summary that exposes a sample called `name`, with its type; `None` if no family
/// does.
///
/// `type_of` gives the type of the family with a name, or `None` if there is no such family.
///
/// ```
/// use prompush_core::MetricType;
/// use prompush_core::sample_names::compound_family;
///
/// let type_of = |name: &str| (name == "h").then_some(MetricType::Histogram);
/// assert_eq!(compound_family("h_sum", type_of), Some(("h", MetricType::Histogram)));
/// assert_eq!(compound_family("g_sum", type_of), None);
/// ```
pub fn compound_family(
    name: &str,
    type_of: impl FnOnce(&str) -> Option<MetricType>,
) -> Option<(&str, MetricType)> {
    let (family, suffix) = Suffix::split(name)?;
    let metric_type = type_of(family)?;
    suffix.is_of(metric_type).then_some((family, metric_type))
}

/// The names of all samples with a suffix that a family exposes in text 0.0.4. There are none for a
/// counter, a gauge and an untyped family.
pub fn suffixed(family: &str, metric_type: MetricType) -> impl Iterator<Item = String> {
    Suffix::all_of(metric_type).map(move |suffix| format!("{family}{}", suffix.as_str()))
}

/// All names that a family takes in text 0.0.4: its own and those of its samples.
pub fn taken(family: &str, metric_type: MetricType) -> impl Iterator<Item = String> {
    std::iter::once(family.to_owned()).chain(suffixed(family, metric_type))
}

/// A counter's family name in OpenMetrics, which does not end in `_total`.
#[inline]
pub fn without_total(name: &str) -> &str {
    name.strip_suffix(TOTAL).unwrap_or(name)
}

/// An info's family name in OpenMetrics, which does not end in `_info`.
#[inline]
pub fn without_info(name: &str) -> &str {
    name.strip_suffix(INFO).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_takes_the_names_of_all_its_samples() {
        let names = |metric_type| taken("h", metric_type).collect::<Vec<_>>().join(" ");
        assert_eq!(names(MetricType::Histogram), "h h_bucket h_sum h_count");
        assert_eq!(names(MetricType::Summary), "h h_sum h_count");
        assert_eq!(names(MetricType::Counter), "h");
    }

    #[test]
    fn a_summary_has_no_buckets() {
        let type_of = |_: &str| Some(MetricType::Summary);
        assert_eq!(compound_family("s_bucket", type_of), None);
        assert_eq!(compound_family("s_sum", type_of), Some(("s", MetricType::Summary)));
        assert_eq!(compound_family("s_total", type_of), None);
    }
}
