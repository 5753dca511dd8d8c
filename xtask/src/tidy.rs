//! `cargo xtask tidy`: the rules of the workspace that no compiler holds.

mod circles;
mod files;
mod layers;
mod markdown;
mod packages;

use anyhow::{Result, bail};

/// Does what the arguments ask for: every rule, or the circles between files alone.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] => check(),
        ["circles"] => circles::run(None),
        ["circles", package] => circles::run(Some(package)),
        other => bail!("`cargo xtask tidy` knows `circles [PACKAGE]`, not `{}`", other.join(" ")),
    }
}

/// Checks every rule and names every breach, not only the first.
pub(crate) fn check() -> Result<()> {
    let packages = packages::read()?;
    let files = files::read()?;
    let mut breaches = Vec::new();
    breaches.extend(packages.iter().flat_map(layers::check));
    for package in &packages {
        breaches.extend(packages::check(package)?);
        breaches.extend(circles::check(package)?);
    }
    breaches.extend(layers::check_runtimes()?);
    breaches.extend(files.iter().flat_map(files::check));
    breaches.extend(files.iter().flat_map(markdown::check));
    for breach in &breaches {
        eprintln!("tidy: {breach}");
    }
    if !breaches.is_empty() {
        bail!("{} breaches of the rules of the workspace", breaches.len());
    }
    println!("tidy: {} packages and {} files keep the rules", packages.len(), files.len());
    Ok(())
}
