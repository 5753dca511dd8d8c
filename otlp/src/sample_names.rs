//! The names of samples, of which no two families may expose one.

use std::collections::HashSet;

use prompush_core::MetricType;

/// Names that are taken.
#[derive(Debug)]
pub(crate) struct SampleNames(HashSet<String>);

impl SampleNames {
    /// Those names, and no others yet.
    pub(crate) fn with<const N: usize>(taken: [&str; N]) -> Self {
        Self(taken.map(str::to_owned).into())
    }

    /// Takes the names of a family's samples; says whether they were all free.
    pub(crate) fn take(&mut self, family: &str, metric_type: MetricType) -> bool {
        let suffixes: &[&str] = match metric_type {
            MetricType::Histogram => &["", "_bucket", "_sum", "_count"],
            MetricType::Summary => &["", "_sum", "_count"],
            _ => &[""],
        };
        let names: Vec<String> =
            suffixes.iter().map(|suffix| format!("{family}{suffix}")).collect();
        let are_free = !names.iter().any(|name| self.0.contains(name));
        if are_free {
            self.0.extend(names);
        }
        are_free
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_takes_the_names_of_all_its_samples() {
        let mut names = SampleNames::with(["up"]);
        assert!(names.take("h", MetricType::Histogram));
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
            assert_eq!(names.take(family, metric_type), expected, "{family}");
        }
    }
}
