//! Groups, selected by their labels.

use std::collections::BTreeMap;

use prompush_core::Glob;

/// Selects groups by label values, which may have wildcards: `*` stands for any text and `?` for one
/// character.
///
/// A group is selected when it has every label of the selector, with a value that matches. A selector
/// without labels selects every group.
///
/// ```
/// use prompush::GroupSelector;
///
/// let selector = GroupSelector::default().label("job", "gptme*").label("instance", "*");
/// assert!(selector.has_wildcards());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupSelector {
    patterns: BTreeMap<String, String>,
}

impl GroupSelector {
    /// Adds a label with the pattern of its value. A second pattern for a label replaces the first.
    #[must_use]
    pub fn label(mut self, name: impl Into<String>, pattern: impl Into<String>) -> Self {
        self.patterns.insert(name.into(), pattern.into());
        self
    }

    /// The labels and the patterns of their values.
    pub fn patterns(&self) -> &BTreeMap<String, String> {
        &self.patterns
    }

    /// Whether any pattern has a wildcard.
    pub fn has_wildcards(&self) -> bool {
        self.patterns.values().any(|pattern| Glob::new(pattern.as_str()).has_wildcard())
    }

    /// Whether a group with these labels is selected.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.patterns.iter().all(|(name, pattern)| {
            labels.get(name).is_some_and(|value| Glob::new(pattern.as_str()).matches(value))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_needs_every_label_of_the_selector() {
        let labels = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()
        };
        let selector = GroupSelector::default().label("job", "gptme*").label("instance", "*");
        assert!(selector.matches(&labels(&[("job", "gptme-1"), ("instance", "")])));
        assert!(!selector.matches(&labels(&[("job", "gptme-1")])));
        assert!(!selector.matches(&labels(&[("job", "x"), ("instance", "")])));
        assert!(GroupSelector::default().matches(&labels(&[("job", "x")])));
    }
}
