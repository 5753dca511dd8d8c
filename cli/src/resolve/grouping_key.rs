//! Grouping keys, from `--job` and `--group`.

use prompush_core::GroupingKey;

use crate::error::CliError;

/// The grouping key of `--job` and `--group`.
///
/// # Errors
/// If a gateway would not take it, or suffer from it.
pub(crate) fn grouping_key(job: &str, group: &[String]) -> Result<GroupingKey, CliError> {
    let mut key = GroupingKey::new(job).map_err(CliError::GroupingKey)?;
    for argument in group {
        let (name, value) = split_label(argument)?;
        key = key.with(name, value).map_err(CliError::GroupingKey)?;
    }
    Ok(key)
}

/// The name and the value of a `--group`.
///
/// # Errors
/// If there is no `=` in it.
pub(super) fn split_label(argument: &str) -> Result<(&str, &str), CliError> {
    argument.split_once('=').ok_or_else(|| CliError::Argument {
        argument: "--group",
        value: argument.to_owned(),
        expected: "NAME=VALUE, such as `instance=db1`",
    })
}
