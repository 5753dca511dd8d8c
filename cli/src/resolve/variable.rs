//! Environment variables.

use crate::error::CliError;

/// The value of an environment variable. Unset and empty mean the same, as to most programs.
///
/// # Errors
/// If it is not UTF-8. It may be a secret, so it is not shown.
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
