//! The key of a group: the labels of its path.

use std::collections::BTreeMap;
use std::sync::Arc;

use prompush_core::text;

/// The labels of a group's path, sorted by name, `job` among them.
///
/// Unlike `prompush_core::GroupingKey` this is any key that a client may send:
/// also one with `le`, `quantile` or an empty `instance`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct GroupKey {
    labels: Arc<[(String, String)]>,
}

impl GroupKey {
    pub(crate) fn new(labels: BTreeMap<String, String>) -> Self {
        Self { labels: labels.into_iter().collect() }
    }

    /// Names and values, sorted by name.
    pub(crate) fn labels(&self) -> impl Iterator<Item = (&str, &str)> {
        self.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// How many labels there are.
    pub(crate) fn len(&self) -> usize {
        self.labels.len()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.labels.iter().any(|(own, _)| own == name)
    }

    /// The labels in braces, without control characters.
    pub(crate) fn for_log(&self) -> String {
        printable(&format!("{{{}}}", String::from_utf8_lossy(&self.rendered())))
    }

    /// The labels as the group's own series show them: with `instance=""` if there is none.
    pub(crate) fn rendered(&self) -> Vec<u8> {
        let mut labels: Vec<(&str, &str)> = self.labels().collect();
        if !self.has("instance") {
            labels.push(("instance", ""));
            labels.sort_unstable();
        }
        let mut out = Vec::new();
        write_labels(&mut out, labels.into_iter());
        out
    }
}

/// Text from outside for a log: control characters are escaped, so that they do nothing to a terminal.
pub(crate) fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for char in text.chars() {
        if char.is_control() {
            printable.extend(char.escape_default());
        } else {
            printable.push(char);
        }
    }
    printable
}

/// Appends `a="1",b="2"`.
pub(crate) fn write_labels<'a>(
    out: &mut Vec<u8>,
    labels: impl Iterator<Item = (&'a str, &'a str)>,
) {
    for (index, (name, value)) in labels.enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"=\"");
        text::write_label_value(out, value);
        out.push(b'"');
    }
}
