//! Circles between the files of a crate: no two files may need each other, directly or through others.
//!
//! The check parses each crate, finds for every path in the code the file that defines the item, and looks for circles
//! in the graph of files. A re-export leads to the file that defines the item, so an index file that re-exports its
//! children makes no circle. A child that uses a name that its parent defines makes a circle. Code under
//! `#[cfg(test)]` does not count.

mod graph;
mod imports;
mod resolve;
mod source;
#[cfg(test)]
mod tests;
mod tokens;

use std::path::Path;

use anyhow::{Result, bail};

use self::graph::Graph;
use crate::packages::{self, Package};
use crate::workspace;

/// Prints the circles of one package, or of all, with the names that make each arrow.
///
/// # Errors
///
/// When there is a circle, when a file is not valid Rust, or when no package has the name `package`.
pub(crate) fn run(package: Option<&str>) -> Result<()> {
    let packages = packages::read()?;
    let chosen: Vec<&Package> =
        packages.iter().filter(|found| package.is_none_or(|name| found.is_called(name))).collect();
    if chosen.is_empty() {
        let names: Vec<&str> = packages.iter().map(|found| found.name.as_str()).collect();
        bail!(
            "no package is called `{}`: the packages are {}",
            package.unwrap_or_default(),
            names.join(", ")
        );
    }
    let mut count = 0;
    for package in chosen {
        for root in &package.crates {
            let graph = graph_of(root)?;
            let circles = graph.circles();
            println!("{} ({}): {} circles", package.name, shown(root), circles.len());
            print!("{}", graph.describe(&circles));
            count += circles.len();
        }
    }
    if count > 0 {
        bail!("{count} circles between files");
    }
    Ok(())
}

/// Names the circles in the crates of a package, one circle per line.
pub(super) fn check(package: &Package) -> Result<Vec<String>> {
    let mut breaches = Vec::new();
    for root in &package.crates {
        let graph = graph_of(root)?;
        let circles = graph.circles();
        breaches.extend(circles.iter().map(|circle| {
            format!("`{}`: circle between files: {}", package.name, graph.line(circle))
        }));
    }
    if !breaches.is_empty() {
        breaches.push(format!(
            "`{0}`: `cargo xtask tidy circles {0}` prints the names that make each arrow",
            package.name
        ));
    }
    Ok(breaches)
}

fn graph_of(root: &Path) -> Result<Graph> {
    let tree = source::Tree::read(root, &|path| Ok(std::fs::read_to_string(path)?))?;
    Ok(resolve::graph(&tree))
}

fn shown(root: &Path) -> String {
    root.strip_prefix(workspace::root()).unwrap_or(root).display().to_string()
}
