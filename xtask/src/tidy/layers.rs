//! The dependencies between the packages, and the packages that must not pull in an async runtime.

use std::time::Duration;

use anyhow::Result;

use crate::packages::{Dependency, Package};
use crate::process::{self, Interrupt};
use crate::workspace;

/// The allowed dependencies of each package, all of them downwards. A new dependency is a change of the architecture,
/// and the commit that adds it must say so.
const ARROWS: [(&str, &[&str]); 11] = [
    ("prompush-core", &[]),
    ("prompush-process-metrics", &["prompush-core"]),
    // The metrics of the process come with the feature `process`, which is off by default.
    ("prompush", &["prompush-core", "prompush-process-metrics"]),
    ("prompush-http-server", &[]),
    ("prompush-gateway", &["prompush-core", "prompush-http-server", "prompush-process-metrics"]),
    // The server comes with the feature `serve`, which is off by default.
    ("prompush-otlp", &["prompush", "prompush-core", "prompush-http-server"]),
    ("prompush-gptme", &["prompush-otlp", "prompush", "prompush-http-server"]),
    (
        "prompush-cli",
        &["prompush-gptme", "prompush-otlp", "prompush-gateway", "prompush", "prompush-core"],
    ),
    (
        "prompush-benches",
        &["prompush-gptme", "prompush-gateway", "prompush", "prompush-core", "prompush-testing"],
    ),
    ("prompush-testing", &[]),
    // Never a library crate: the tasks build also while a library crate does not.
    ("xtask", &["prompush-testing"]),
];

/// The allowed dependencies of tests, in addition to [`ARROWS`].
const DEV_ARROWS: [(&str, &[&str]); 7] = [
    ("prompush-core", &["prompush-testing"]),
    ("prompush", &["prompush-testing"]),
    ("prompush-http-server", &["prompush-testing"]),
    ("prompush-gateway", &["prompush-testing"]),
    ("prompush-otlp", &["prompush-http-server", "prompush-testing"]),
    ("prompush-gptme", &["prompush-core", "prompush-http-server", "prompush-testing"]),
    ("prompush-cli", &["prompush-testing"]),
];

/// The libraries that a synchronous program adds. No async runtime may come with them.
const WITHOUT_RUNTIME: [&str; 4] = ["prompush-core", "prompush", "prompush-otlp", "prompush-gptme"];

/// Async runtimes, and crates that need one.
const RUNTIMES: [&str; 10] = [
    "tokio",
    "async-std",
    "smol",
    "async-executor",
    "async-global-executor",
    "async-io",
    "embassy-executor",
    "futures-executor",
    "glommio",
    "monoio",
];

/// Names the dependencies of a package that are not on the list.
pub(super) fn check(package: &Package) -> Vec<String> {
    let Some(allowed) = allowed(&ARROWS, &package.name) else {
        return vec![format!(
            "package `{}` is not on the list of layers: see `ARROWS` in xtask",
            package.name
        )];
    };
    let dev_allowed = self::allowed(&DEV_ARROWS, &package.name).unwrap_or_default();
    let breaks = |dependency: &&Dependency| {
        let name = dependency.name.as_str();
        let is_ours = ARROWS.iter().any(|(package, _)| *package == name);
        is_ours && !allowed.contains(&name) && !(dependency.is_dev && dev_allowed.contains(&name))
    };
    let breach = |dependency: &Dependency| {
        format!("`{}` must not depend on `{}`", package.name, dependency.name)
    };
    package.dependencies.iter().filter(breaks).map(breach).collect()
}

/// Names the async runtimes that a program gets with one of our libraries and its default features.
pub(super) fn check_runtimes() -> Result<Vec<String>> {
    let mut breaches = Vec::new();
    for package in WITHOUT_RUNTIME {
        let mut command = workspace::cargo(&[
            "tree",
            "--package",
            package,
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--format",
            "{p}",
        ]);
        let tree = process::capture(&mut command, Duration::from_mins(2), &Interrupt::default())?;
        let found = runtimes_in(&tree);
        breaches.extend(
            found
                .iter()
                .map(|runtime| format!("`{package}` pulls in the async runtime `{runtime}`")),
        );
    }
    Ok(breaches)
}

/// The runtimes in a tree with one package a line: `name vVersion …`.
fn runtimes_in(tree: &str) -> Vec<&'static str> {
    let names: Vec<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    RUNTIMES.into_iter().filter(|runtime| names.contains(runtime)).collect()
}

fn allowed(
    arrows: &[(&str, &'static [&'static str])],
    package: &str,
) -> Option<&'static [&'static str]> {
    arrows.iter().find(|(name, _)| *name == package).map(|(_, allowed)| *allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_arrow(from: &str, to: &str, is_dev: bool, expected: usize) {
        let dependencies = vec![Dependency { name: to.to_owned(), is_dev }];
        let package = Package { name: from.to_owned(), dependencies, ..Package::default() };
        assert_eq!(check(&package).len(), expected, "{from} -> {to}");
    }

    #[test]
    fn arrows_point_downwards() {
        check_arrow("prompush", "prompush-core", false, 0);
        check_arrow("prompush", "ureq", false, 0);
        check_arrow("prompush-core", "prompush", false, 1);
        check_arrow("prompush", "prompush-gateway", false, 1);
        check_arrow("prompush-gateway", "prompush", false, 1);
        check_arrow("xtask", "prompush-core", false, 1);
    }

    #[test]
    fn test_servers_are_for_tests_only() {
        check_arrow("prompush", "prompush-testing", true, 0);
        check_arrow("prompush", "prompush-testing", false, 1);
        check_arrow("prompush-core", "prompush-gateway", true, 1);
    }

    #[test]
    fn a_package_that_nobody_knows_is_a_breach() {
        check_arrow("prompush-utils", "itoa", false, 1);
    }

    #[test]
    fn runtimes_are_found_by_their_whole_name() {
        assert_eq!(
            runtimes_in("prompush v0.1.0 (/src)\ntokio v1.54.1\ntokio v1.54.1 (*)\n"),
            ["tokio"]
        );
        assert!(runtimes_in("tokio-util-free v1.0.0\nsmol_str v0.2.0\n").is_empty());
    }
}
