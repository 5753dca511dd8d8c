//! Environment variables.

use crate::error::CliError;

/// The value of an environment variable. An empty variable counts as one that is not set.
///
/// # Errors
/// [`CliError::Environment`] if the value is not UTF-8. The value may be a secret, so the error does not show it.
pub(super) fn variable(name: &'static str) -> Result<Option<String>, CliError> {
    let Some(value) = std::env::var_os(name).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    value.into_string().map(Some).map_err(|_| CliError::Environment {
        name,
        value: "***".to_owned(),
        expected: "text in UTF-8",
    })
}
