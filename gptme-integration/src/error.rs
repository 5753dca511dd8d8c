//! Every error of this crate.

/// An environment variable whose value cannot be used. Credentials in it are not shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("environment variable `{variable}` is `{}`, expected {expected}", value.escape_debug())]
pub struct EnvironmentError {
    /// The variable's name.
    pub variable: &'static str,
    /// Its value, without credentials.
    pub value: String,
    /// What it should have been.
    pub expected: &'static str,
}
