//! The selector of groups, from `--job` and `--group`.

use prompush::GroupSelector;

use crate::error::CliError;
use crate::resolve::grouping_key::split_label;

/// The selector of `--job` and `--group`, whose values may have wildcards.
///
/// # Errors
/// If a `--group` has no `=`, or a label is given twice with different values.
pub(crate) fn group_selector(
    job: Option<&str>,
    group: &[String],
) -> Result<GroupSelector, CliError> {
    let mut selector = GroupSelector::default();
    if let Some(job) = job {
        selector = selector.label("job", job);
    }
    for argument in group {
        let (name, value) = split_label(argument)?;
        if selector.patterns().get(name).is_some_and(|first| first != value) {
            let (argument, value) = ("--group", argument.clone());
            return Err(CliError::Argument { argument, value, expected: "each label once" });
        }
        selector = selector.label(name, value);
    }
    Ok(selector)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_that_cannot_be_meant_are_refused() {
        let selector = group_selector(Some("gptme*"), &["instance=*".into()]).unwrap();
        assert_eq!(selector.patterns().len(), 2);
        assert!(group_selector(None, &["a".into()]).is_err());
        assert!(group_selector(Some("x"), &["job=y".into()]).is_err());
    }
}
