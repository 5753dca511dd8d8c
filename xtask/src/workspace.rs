//! The folders of the checkout, the environment, and cargo.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The top folder of the checkout.
pub(crate) fn root() -> &'static Path {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest)
}

/// Cargo's target folder; `CARGO_TARGET_DIR` moves it.
pub(crate) fn target() -> PathBuf {
    variable("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |folder| root().join(folder))
}

/// The folder of the real servers for tests.
pub(crate) fn servers() -> PathBuf {
    target().join("servers")
}

/// Whether `CI=true` is set. With it, a missing tool is a failure. Without it, the part that needs the tool is
/// skipped.
pub(crate) fn is_ci() -> bool {
    variable("CI").as_deref() == Some("true")
}

/// A command that runs cargo in the top folder. It is the cargo that runs this task.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(variable("CARGO").unwrap_or_else(|| "cargo".to_owned()));
    command.args(arguments).current_dir(root());
    command
}

/// A variable of the environment; `None` when it is unset or empty.
#[expect(clippy::disallowed_methods, reason = "a task is a command line: it reads the environment")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
