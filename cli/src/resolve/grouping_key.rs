//! Grouping keys, from `--job` and `--group`.

use prompush_core::GroupingKey;

use crate::error::CliError;

/// The grouping key from `--job` and `--group`.
///
/// # Errors
/// [`CliError`] if a gateway would refuse the key, or if the key would break its scrapes.
pub(crate) fn grouping_key(job: &str, group: &[String]) -> Result<GroupingKey, CliError> {
    let mut key = GroupingKey::new(job).map_err(CliError::GroupingKey)?;
    for argument in group {
        let (name, value) = split_label(argument)?;
        key = key.with(name, value).map_err(CliError::GroupingKey)?;
    }
    Ok(key)
}

/// Splits a `--group` into name and value.
///
/// # Errors
/// [`CliError::Argument`] if it has no `=`.
pub(super) fn split_label(argument: &str) -> Result<(&str, &str), CliError> {
    argument.split_once('=').ok_or_else(|| CliError::Argument {
        argument: "--group",
        value: argument.to_owned(),
        expected: "NAME=VALUE, such as `instance=db1`",
    })
}
