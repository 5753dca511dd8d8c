//! The labels of a rendered metric: the labels in the body, replaced and completed by the labels of the group.

use std::borrow::Cow;

use prompush_core::text::write_labels;
use prompush_core::{Metric, MetricType};

use crate::error::Inconsistency;
use crate::group_labels::GroupLabels;

/// Appends the labels of a metric, sorted by name. A label of the group replaces one of the same name in the body.
/// There is always an `instance`, empty if neither the body nor the group has one.
///
/// # Errors
///
/// If a name is invalid, or if two labels have the same name.
pub(super) fn write_metric_labels(
    out: &mut Vec<u8>,
    family: &str,
    metric: &Metric<'_>,
    group: &GroupLabels,
) -> Result<(), Inconsistency> {
    let mut labels: Vec<(Cow<'_, str>, &str)> =
        Vec::with_capacity(metric.labels.iter().count() + group.len() + 1);
    let in_body = metric.labels.iter().map(|(name, value)| (escape_label_name(name), value));
    labels.extend(in_body.filter(|(name, _)| !group.contains(name)));
    labels.extend(group.iter().map(|(name, value)| (Cow::Borrowed(name), value)));
    if !labels.iter().any(|(name, _)| name == "instance") {
        labels.push((Cow::Borrowed("instance"), ""));
    }
    labels.sort_by(|(one, _), (two, _)| one.cmp(two));
    write_labels(out, labels.iter().map(|(name, value)| (name.as_ref(), *value)));
    let written = || String::from_utf8_lossy(out).into_owned();
    let is_invalid = |name: &str| name.is_empty() || name.starts_with("__");
    if let Some((name, _)) = labels.iter().find(|(name, _)| is_invalid(name)) {
        let (family, label) = (family.to_owned(), name.to_string());
        return Err(Inconsistency::LabelName { family, labels: written(), label });
    }
    let mut neighbours = labels.iter().zip(labels.iter().skip(1));
    if let Some(((name, _), _)) = neighbours.find(|((name, _), (next, _))| name == next) {
        let (family, label) = (family.to_owned(), name.to_string());
        return Err(Inconsistency::DuplicateLabel { family, labels: written(), label });
    }
    Ok(())
}

/// Refuses a summary in a group with a label `quantile`, and a histogram in a group with a label `le`: its samples
/// would have that label twice.
pub(super) fn check_group_labels(
    metric_type: MetricType,
    family: &str,
    group: &GroupLabels,
) -> Result<(), Inconsistency> {
    let label = match metric_type {
        MetricType::Summary => "quantile",
        MetricType::Histogram => "le",
        _ => return Ok(()),
    };
    if !group.contains(label) {
        return Ok(());
    }
    Err(Inconsistency::SampleLabel {
        family: family.to_owned(),
        labels: String::from_utf8_lossy(&group.to_text()).into_owned(),
        label,
        metric_type: metric_type.as_str(),
    })
}

/// A metric name as text format 0.0.4 can write it. See [`escape_label_name`].
pub(super) fn escape_metric_name(name: &str) -> Cow<'_, str> {
    escape_name(name, |char| is_name_start(char) || char == ':')
}

/// A label name as text format 0.0.4 can write it: every other character becomes `_`, as upstream does with
/// `escaping=underscores`. Only a protobuf body can have such characters in a name.
fn escape_label_name(name: &str) -> Cow<'_, str> {
    escape_name(name, is_name_start)
}

fn is_name_start(char: char) -> bool {
    char.is_ascii_alphabetic() || char == '_'
}

/// Replaces each character by `_`, unless `is_start` accepts it, or it is a digit after the first character.
fn escape_name(name: &str, is_start: impl Fn(char) -> bool) -> Cow<'_, str> {
    let is_allowed =
        |index: usize, char: char| is_start(char) || (index > 0 && char.is_ascii_digit());
    if name.chars().enumerate().all(|(index, char)| is_allowed(index, char)) {
        return Cow::Borrowed(name);
    }
    let chars = name.chars().enumerate();
    Cow::Owned(
        chars.map(|(index, char)| if is_allowed(index, char) { char } else { '_' }).collect(),
    )
}
