//! The packages of the workspace, as `cargo metadata` describes them.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::process;
use crate::workspace;

/// A package of the workspace.
#[derive(Debug, Default)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) manifest: PathBuf,
    /// The first file of each library and binary.
    pub(crate) crates: Vec<PathBuf>,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) features: Vec<String>,
}

impl Package {
    /// Whether `name` is the name of the package, or the name of its folder.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        let folder = self.manifest.parent().and_then(|folder| folder.file_name());
        self.name == name || folder.is_some_and(|folder| folder == name)
    }
}

/// A package that another one depends on.
#[derive(Debug)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// Whether only tests, examples and benches use the dependency.
    pub(crate) is_dev: bool,
}

/// Asks cargo for the packages of the workspace.
pub(crate) fn read() -> Result<Vec<Package>> {
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
        features: package["features"].as_object()?.keys().cloned().collect(),
    })
}
