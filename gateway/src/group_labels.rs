//! The labels that identify a group.

use std::collections::BTreeMap;
use std::sync::Arc;

use prompush_core::text::write_labels;

use crate::log_text::escape_control_characters;

/// The labels of a group's URL path, sorted by name; `job` is one of them.
///
/// `prompush_core::GroupingKey` allows only labels that do no harm on any gateway. This type allows all labels that a
/// client may send: also `le` and `quantile`, and an empty `instance`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct GroupLabels {
    labels: Arc<[(String, String)]>,
}

impl GroupLabels {
    pub(crate) fn new(labels: BTreeMap<String, String>) -> Self {
        Self { labels: labels.into_iter().collect() }
    }

    /// Names and values, sorted by name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The number of labels.
    pub(crate) fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is a label with that name.
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.iter().any(|(label, _)| label == name)
    }

    /// The labels as text, as the group's own series show them: with `instance=""` if there is no `instance`.
    pub(crate) fn to_text(&self) -> Vec<u8> {
        let mut labels: Vec<(&str, &str)> = self.iter().collect();
        if !self.contains("instance") {
            labels.push(("instance", ""));
            labels.sort_unstable();
        }
        let mut text = Vec::new();
        write_labels(&mut text, labels);
        text
    }

    /// The labels in braces, for a log.
    pub(crate) fn to_log_text(&self) -> String {
        escape_control_characters(&format!("{{{}}}", String::from_utf8_lossy(&self.to_text())))
    }
}
