//! The lines that each package must have in its manifest, and at the top of each of its crates.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::packages::Package;

/// Names the packages whose manifest does not take the lints of the workspace, and the crates that allow unsafe code.
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

fn read_text(path: &Path) -> Result<String> {
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
