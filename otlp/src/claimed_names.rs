//! Sample names that are in use, so that no two families expose the same name.

use std::collections::HashSet;

use prompush_core::{MetricType, sample_names};

/// The names of the samples of all families so far.
#[derive(Debug)]
pub(crate) struct ClaimedNames(HashSet<String>);

impl ClaimedNames {
    /// The names that no family may have.
    pub(crate) fn reserved<const N: usize>(names: [&str; N]) -> Self {
        Self(names.map(str::to_owned).into())
    }

    /// Claims the names of all samples of a family. Returns whether all of them were free; if not,
    /// none is claimed.
    pub(crate) fn claim(&mut self, family: &str, metric_type: MetricType) -> bool {
        let are_free = !sample_names::taken(family, metric_type).any(|name| self.0.contains(&name));
        if are_free {
            self.0.extend(sample_names::taken(family, metric_type));
        }
        are_free
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_claims_the_names_of_all_its_samples() {
        let mut names = ClaimedNames::reserved(["up"]);
        assert!(names.claim("h", MetricType::Histogram));
        for (family, metric_type, expected) in [
            ("up", MetricType::Gauge, false),
            ("h", MetricType::Gauge, false),
            ("h_sum", MetricType::Gauge, false),
            ("h_bucket", MetricType::Counter, false),
            ("h_total", MetricType::Counter, true),
            ("s_count", MetricType::Gauge, true),
            ("s", MetricType::Summary, false),
            ("s_bucket", MetricType::Gauge, true),
        ] {
            assert_eq!(names.claim(family, metric_type), expected, "{family}");
        }
    }
}
