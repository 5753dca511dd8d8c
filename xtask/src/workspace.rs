//! Where things are.

use std::path::{Path, PathBuf};
use std::process::Command;

/// The top folder of the checkout.
pub(crate) fn root() -> &'static Path {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest)
}

/// Cargo's target folder, wherever `CARGO_TARGET_DIR` puts it.
pub(crate) fn target() -> PathBuf {
    variable("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |folder| root().join(folder))
}

/// Where the real servers for tests are put.
pub(crate) fn servers() -> PathBuf {
    target().join("servers")
}

/// Whether what is missing on this machine is a failure.
pub(crate) fn is_ci() -> bool {
    variable("CI").as_deref() == Some("true")
}

/// The cargo that runs this task, in the top folder.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(variable("CARGO").unwrap_or_else(|| "cargo".to_owned()));
    command.args(arguments).current_dir(root());
    command
}

#[expect(clippy::disallowed_methods, reason = "a task is a command line: it reads the environment")]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
