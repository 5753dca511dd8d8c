//! `cargo xtask tidy`: checks the rules of the workspace that no compiler checks.

mod circles;
mod files;
mod layers;
mod manifests;
mod markdown;
mod names;

use anyhow::{Result, bail};

use crate::{codegen, packages};

/// Checks every rule. The argument `circles` or `names` selects one rule.
///
/// # Errors
///
/// When a rule is broken or an argument is unknown.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] => check(),
        ["circles"] => circles::run(None),
        ["circles", package] => circles::run(Some(package)),
        ["names"] => report(&files::read()?.iter().flat_map(names::check).collect::<Vec<_>>()),
        other => bail!(
            "`cargo xtask tidy` knows `circles [PACKAGE]` and `names`, not `{}`",
            other.join(" ")
        ),
    }
}

/// Checks every rule, and names every breach rather than only the first.
///
/// # Errors
///
/// When a rule is broken, or a file or cargo's description of the workspace cannot be read.
pub(crate) fn check() -> Result<()> {
    let packages = packages::read()?;
    let files = files::read()?;
    let mut breaches = Vec::new();
    breaches.extend(packages.iter().flat_map(layers::check));
    for package in &packages {
        breaches.extend(manifests::check(package)?);
        breaches.extend(circles::check(package)?);
    }
    breaches.extend(layers::check_runtimes()?);
    breaches.extend(files.iter().flat_map(files::check));
    breaches.extend(files.iter().flat_map(markdown::check));
    breaches.extend(files.iter().flat_map(names::check));
    breaches.extend(codegen::check());
    report(&breaches)?;
    println!("tidy: {} packages and {} files keep the rules", packages.len(), files.len());
    Ok(())
}

/// Prints the breaches, and fails if there are any.
fn report(breaches: &[String]) -> Result<()> {
    for breach in breaches {
        eprintln!("tidy: {breach}");
    }
    if !breaches.is_empty() {
        bail!("{} breaches of the rules of the workspace", breaches.len());
    }
    Ok(())
}
