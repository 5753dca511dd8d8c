//! Groups, selected by `--job` and `--group` with wildcards.

use std::collections::BTreeMap;

use prompush_core::Glob;

use crate::error::CliError;
use crate::resolve::grouping_key::split_label;

/// What groups have to look like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Selector {
    /// Label names with the globs their values have to match.
    pub(crate) globs: BTreeMap<String, String>,
}

impl Selector {
    /// From `--job` and `--group`.
    ///
    /// # Errors
    /// If a `--group` has no `=`, or a label is given twice.
    pub(crate) fn new(job: Option<&str>, group: &[String]) -> Result<Self, CliError> {
        let mut globs = BTreeMap::new();
        globs.extend(job.map(|job| ("job".to_owned(), job.to_owned())));
        for argument in group {
            let (name, value) = split_label(argument)?;
            if globs.insert(name.to_owned(), value.to_owned()).is_some_and(|first| first != value) {
                let (argument, value) = ("--group", argument.clone());
                return Err(CliError::Argument { argument, value, expected: "each label once" });
            }
        }
        Ok(Self { globs })
    }

    /// Whether a wildcard is in any value.
    pub(crate) fn has_globs(&self) -> bool {
        self.globs.values().any(|value| Glob::new(value.as_str()).has_wildcard())
    }

    /// Whether a group has all these labels, with values that match.
    pub(crate) fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.globs.iter().all(|(name, pattern)| {
            labels.get(name).is_some_and(|value| Glob::new(pattern.as_str()).matches(value))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_want_the_label() {
        let labels = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()
        };
        let selector = Selector::new(Some("gptme*"), &["instance=*".into()]).unwrap();
        assert!(selector.matches(&labels(&[("job", "gptme-1"), ("instance", "")])));
        assert!(!selector.matches(&labels(&[("job", "gptme-1")])));
        assert!(!selector.matches(&labels(&[("job", "x"), ("instance", "")])));
        assert!(Selector::new(None, &["a".into()]).is_err());
        assert!(Selector::new(Some("x"), &["job=y".into()]).is_err());
        assert!(Selector::default().matches(&labels(&[("job", "x")])));
    }
}
