//! The packages of the workspace, and what each has to say in its manifest and at the top of its crates.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::process;
use crate::workspace;

/// A package of the workspace.
#[derive(Debug, Default)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) manifest: PathBuf,
    /// The first files of its libraries and binaries.
    pub(super) crates: Vec<PathBuf>,
    pub(super) dependencies: Vec<Dependency>,
}

impl Package {
    /// Whether `name` is the package, or the folder it stands in.
    pub(super) fn is_called(&self, name: &str) -> bool {
        let folder = self.manifest.parent().and_then(|folder| folder.file_name());
        self.name == name || folder.is_some_and(|folder| folder == name)
    }
}

/// What a package depends on.
#[derive(Debug)]
pub(super) struct Dependency {
    pub(super) name: String,
    /// Whether only its tests, examples and benches see it.
    pub(super) is_dev: bool,
}

/// Asks cargo for the packages of the workspace.
pub(super) fn read() -> Result<Vec<Package>> {
    let mut command = workspace::cargo(&["metadata", "--no-deps", "--format-version", "1"]);
    let output = command.output().context("cannot start `cargo metadata`")?;
    let metadata: Value = serde_json::from_slice(&output.stdout)
        .with_context(|| format!("`{}` printed no JSON", process::shown(&command)))?;
    let packages = metadata["packages"].as_array().context("`cargo metadata` names no packages")?;
    packages
        .iter()
        .map(|package| parse(package).context("a package without a name or manifest"))
        .collect()
}

fn parse(package: &Value) -> Option<Package> {
    let targets = package["targets"].as_array()?.iter();
    let is_crate = |target: &&Value| {
        let kinds = target["kind"].as_array().into_iter().flatten();
        kinds.filter_map(Value::as_str).any(|kind| matches!(kind, "lib" | "bin" | "proc-macro"))
    };
    let crates = targets.filter(is_crate).filter_map(|target| target["src_path"].as_str());
    let dependencies = package["dependencies"].as_array()?.iter().filter_map(|dependency| {
        let name = dependency["name"].as_str()?.to_owned();
        Some(Dependency { name, is_dev: dependency["kind"] == "dev" })
    });
    Some(Package {
        name: package["name"].as_str()?.to_owned(),
        manifest: PathBuf::from(package["manifest_path"].as_str()?),
        crates: crates.map(PathBuf::from).collect(),
        dependencies: dependencies.collect(),
    })
}

/// Each manifest takes the lints of the workspace, and each crate forbids unsafe code.
pub(super) fn check(package: &Package) -> Result<Vec<String>> {
    let mut breaches = Vec::new();
    let manifest = read_text(&package.manifest)?;
    if !takes_workspace_lints(&manifest) {
        breaches.push(format!(
            "`{}`: `[lints]` with `workspace = true` is missing",
            package.manifest.display()
        ));
    }
    for file in &package.crates {
        if !read_text(file)?.lines().any(|line| line.trim() == "#![forbid(unsafe_code)]") {
            breaches.push(format!("`{}`: `#![forbid(unsafe_code)]` is missing", file.display()));
        }
    }
    Ok(breaches)
}

fn takes_workspace_lints(manifest: &str) -> bool {
    let mut section = "";
    manifest.lines().map(str::trim).any(|line| {
        if line.starts_with('[') {
            section = line;
        }
        let line: String = line.split_whitespace().collect();
        line == "lints.workspace=true" || (section == "[lints]" && line == "workspace=true")
    })
}

fn read_text(path: &std::path::Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read `{}`", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lints_of_the_workspace_are_found_where_they_count() {
        assert!(takes_workspace_lints("[package]\nname = \"x\"\n[lints]\nworkspace = true\n"));
        assert!(takes_workspace_lints("lints.workspace = true\n"));
        assert!(!takes_workspace_lints(
            "[package]\nversion.workspace = true\n[dependencies]\nworkspace = true\n"
        ));
    }
}
