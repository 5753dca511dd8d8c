//! Problems with a push: faults for which a gateway would refuse the body, or drop a part of it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::hash::BuildHasher;

use crate::exposition::sample_names::compound_family;
use crate::exposition::{Exposition, Metric, MetricFamily, MetricType};
use crate::group_metrics::{PUSH_FAILURE_TIME, PUSH_TIME};
use crate::grouping_key::GroupingKey;
use crate::name::{is_label_name, is_metric_name};

/// A problem that a body would have when it is pushed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushProblem {
    /// The line of the body, from 1; 0 where there are no lines.
    pub line: usize,
    /// The metric family's name.
    pub family: String,
    /// The kind of the problem.
    pub kind: PushProblemKind,
}

/// The kinds of problems with a push.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PushProblemKind {
    /// A metric has a timestamp. A gateway refuses the push, or drops the push silently.
    #[error("has a timestamp, which a gateway refuses")]
    Timestamp,
    /// Two metrics have the same labels once the labels of the grouping key replace their own.
    #[error("occurs twice with the labels {labels}; the other is in line {other_line}")]
    Duplicate {
        /// The labels, as text.
        labels: String,
        /// The line of the other metric.
        other_line: usize,
    },
    /// The name of a label is not a label name, or is reserved (`__…`).
    #[error("has a label with the invalid name `{0}`")]
    LabelName(String),
    /// The name of the family is not a metric name.
    #[error("has an invalid name")]
    MetricName,
    /// The samples of two families have the same name. For example, a histogram `h` exposes `h_count`.
    #[error("has the same name as a sample of the {metric_type} `{other}`")]
    Clash {
        /// The name of the other family.
        other: String,
        /// The type of the other family.
        metric_type: MetricType,
    },
    /// The grouping key sets the label to another value. The grouping key's value wins.
    #[error("has label `{label}`, which the grouping key overrides with `{value}`")]
    Overridden {
        /// The label's name.
        label: String,
        /// The grouping key's value.
        value: String,
    },
    /// Every grouping key sets the label (it is `job`), and the grouping key's value wins. Reported
    /// in place of [`Overridden`](Self::Overridden) where the grouping key is not known.
    #[error("has label `{label}`, which the job of the group overrides")]
    OverriddenInAnyGroup {
        /// The label's name.
        label: String,
    },
    /// The gateway sets this metric itself, and drops a pushed one.
    #[error("is set by the gateway itself; the gateway drops the pushed metric")]
    GatewayOwn,
}

impl PushProblemKind {
    /// Whether the gateway would refuse the body, or fail later because of it. All other problems are
    /// warnings.
    pub fn is_error(&self) -> bool {
        !matches!(
            self,
            Self::Overridden { .. } | Self::OverriddenInAnyGroup { .. } | Self::GatewayOwn
        )
    }
}

impl fmt::Display for PushProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "metric `{}` {}", self.family.escape_debug(), self.kind)
    }
}

/// Finds everything in `exposition` that a gateway would refuse, or would take and drop, if it were
/// pushed to the group `key`. The problems come in the order of the families.
///
/// A clash with a metric of another group is not found: only the gateway knows the other groups.
pub fn check_push(exposition: &Exposition<'_>, key: &GroupingKey) -> Vec<PushProblem> {
    let mut problems = Vec::new();
    let types: HashMap<&str, MetricType> =
        exposition.families.iter().map(|family| (&*family.name, family.metric_type)).collect();
    for family in &exposition.families {
        let mut report = |line, kind| {
            problems.push(PushProblem { line, family: family.name.to_string(), kind });
        };
        let first_line = family.metrics.first().map_or(0, |metric| metric.line);
        if !is_metric_name(&family.name) {
            report(first_line, PushProblemKind::MetricName);
        }
        if matches!(&*family.name, PUSH_TIME | PUSH_FAILURE_TIME) {
            report(first_line, PushProblemKind::GatewayOwn);
        }
        if let Some((other, metric_type)) =
            compound_family(&family.name, |name| types.get(name).copied())
        {
            report(first_line, PushProblemKind::Clash { other: other.into(), metric_type });
        }
        check_metrics(family, key, &mut report);
        check_duplicates(family, key, &mut report);
    }
    problems
}

fn check_metrics(
    family: &MetricFamily<'_>,
    key: &GroupingKey,
    report: &mut impl FnMut(usize, PushProblemKind),
) {
    let mut overridden: Vec<&str> = Vec::new();
    for metric in &family.metrics {
        if metric.timestamp_ms.is_some() {
            report(metric.line, PushProblemKind::Timestamp);
        }
        for (name, value) in &metric.labels {
            if !is_label_name(name) || name.starts_with("__") {
                report(metric.line, PushProblemKind::LabelName(name.to_owned()));
            }
            if let Some(own) = grouping_value(key, name).filter(|own| *own != value)
                // One report for each label of a family is enough.
                && !overridden.contains(&name)
            {
                overridden.push(name);
                let (label, value) = (name.to_owned(), own.to_owned());
                report(metric.line, PushProblemKind::Overridden { label, value });
            }
        }
    }
}

fn grouping_value<'a>(key: &'a GroupingKey, name: &str) -> Option<&'a str> {
    if name == "job" {
        return Some(key.job());
    }
    key.labels().find(|(label, _)| *label == name).map(|(_, value)| value)
}

fn check_duplicates(
    family: &MetricFamily<'_>,
    key: &GroupingKey,
    report: &mut impl FnMut(usize, PushProblemKind),
) {
    let hasher = foldhash::fast::RandomState::default();
    // The hashes of the labels are added, so that the order of the labels does not matter.
    let hash = |metric: &Metric<'_>| {
        let labels = metric.labels.iter().filter(|label| is_own(*label, key));
        labels.fold(0_u64, |sum, label| sum.wrapping_add(hasher.hash_one(label)))
    };
    let mut by_hash: Vec<(u64, usize)> =
        family.metrics.iter().enumerate().map(|(at, metric)| (hash(metric), at)).collect();
    by_hash.sort_unstable();
    for same_hash in by_hash.chunk_by(|a, b| a.0 == b.0).filter(|chunk| chunk.len() > 1) {
        let mut seen: HashMap<Vec<(&str, &str)>, usize> = HashMap::new();
        for (_, at) in same_hash {
            let metric = &family.metrics[*at];
            match seen.entry(own_labels(metric, key)) {
                Entry::Vacant(vacant) => {
                    vacant.insert(metric.line);
                }
                Entry::Occupied(other) => {
                    let (labels, other_line) = (labels_text(other.key()), *other.get());
                    report(metric.line, PushProblemKind::Duplicate { labels, other_line });
                }
            }
        }
    }
}

/// The labels that the grouping key does not replace, sorted by name.
fn own_labels<'m>(metric: &'m Metric<'_>, key: &GroupingKey) -> Vec<(&'m str, &'m str)> {
    let mut labels: Vec<(&str, &str)> =
        metric.labels.iter().filter(|label| is_own(*label, key)).collect();
    labels.sort_unstable();
    labels
}

/// Whether a label distinguishes a metric from the others of its family on the gateway.
///
/// A label that the grouping key sets does not, because all metrics get the same value. An empty
/// `instance` does not either, because a gateway adds one to every metric without `instance`.
fn is_own((name, value): (&str, &str), key: &GroupingKey) -> bool {
    let is_empty_instance = name == "instance" && value.is_empty();
    !is_empty_instance && grouping_value(key, name).is_none()
}

fn labels_text(labels: &[(&str, &str)]) -> String {
    /// Enough to find the metrics by their labels.
    const CHARACTERS_MAX: usize = 160;
    let labels: Vec<String> =
        labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    let text = labels.join(",");
    match text.char_indices().nth(CHARACTERS_MAX) {
        Some((end, _)) => format!("{{{}…}}", text.get(..end).unwrap_or_default()),
        None => format!("{{{text}}}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Format, parse};

    fn check(body: &str, expected: &[&str]) {
        let exposition = parse(body.as_bytes(), Format::Text).unwrap();
        let key = GroupingKey::new("x").unwrap().with("zone", "1").unwrap();
        let said: Vec<String> = check_push(&exposition, &key)
            .iter()
            .map(|problem| format!("{}: {problem}", problem.line))
            .collect();
        assert_eq!(said, expected, "{body}");
    }

    #[test]
    fn problems_that_a_gateway_refuses_are_errors() {
        check("a 1\na{b=\"\"} 1\nc{d=\"1\"} 1\nc{d=\"2\"} 1\n", &[]);
        check("\na 1 5\n", &["2: metric `a` has a timestamp, which a gateway refuses"]);
        check("a{__b=\"1\"} 1\n", &["1: metric `a` has a label with the invalid name `__b`"]);
        check(
            "a{b=\"1\",c=\"2\"} 1\na{c=\"2\",b=\"1\"} 2\n",
            &[
                "2: metric `a` occurs twice with the labels {b=\"1\",c=\"2\"}; the other is in line 1",
            ],
        );
        check(
            "a{job=\"y\"} 1\na{job=\"z\"} 2\n",
            &[
                "1: metric `a` has label `job`, which the grouping key overrides with `x`",
                "2: metric `a` occurs twice with the labels {}; the other is in line 1",
            ],
        );
        check(
            "a{instance=\"\"} 1\na 2\n",
            &["2: metric `a` occurs twice with the labels {}; the other is in line 1"],
        );
        check(
            "# TYPE h_sum gauge\nh_sum 1\n# TYPE h histogram\nh_bucket{le=\"1\"} 1\n",
            &["2: metric `h_sum` has the same name as a sample of the histogram `h`"],
        );
    }

    #[test]
    fn problems_that_a_gateway_ignores_are_warnings() {
        let body = "a{zone=\"2\"} 1\npush_time_seconds 1\n";
        let exposition = parse(body.as_bytes(), Format::Text).unwrap();
        let key = GroupingKey::new("x").unwrap().with("zone", "1").unwrap();
        let problems = check_push(&exposition, &key);
        assert_eq!(problems.len(), 2);
        assert!(problems.iter().all(|problem| !problem.kind.is_error()));
    }
}
