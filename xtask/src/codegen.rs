//! `cargo xtask codegen`: writes the pages of `docs` that the code defines.
//!
//! A hidden command of `prompush` prints each page, because this package depends on no library crate.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::process::{self, Interrupt};
use crate::workspace;

/// A page that the command line prints.
struct Page {
    /// The argument of `prompush generate-docs`.
    topic: &'static str,
    /// The file, from the top folder.
    path: &'static str,
}

const PAGES: [Page; 2] = [
    Page { topic: "cli", path: "docs/cli.md" },
    Page { topic: "metrics", path: "docs/metrics.md" },
];

/// The longest time to build the command line and print a page.
const GENERATED_WITHIN: Duration = Duration::from_mins(20);

/// Writes the pages that differ, or with `--check` only names them.
///
/// # Errors
///
/// When an argument is unknown, the command line does not build, a page cannot be written, or `--check` finds a page
/// that differs.
pub(crate) fn run(arguments: &[String]) -> Result<()> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] => write(),
        ["--check"] => {
            let breaches = check();
            if breaches.is_empty() {
                println!("codegen: {} pages are what the code says", PAGES.len());
                return Ok(());
            }
            bail!("{}", breaches.join("; "))
        }
        other => bail!("`cargo xtask codegen` knows `--check`, not `{}`", other.join(" ")),
    }
}

/// Names the pages that differ from the pages that the code defines.
pub(crate) fn check() -> Vec<String> {
    PAGES.iter().filter_map(|page| breach(page, generate(page))).collect()
}

fn write() -> Result<()> {
    for page in &PAGES {
        let text = generate(page)?;
        let path = workspace::root().join(page.path);
        if fs::read_to_string(&path).is_ok_and(|old| old == text) {
            println!("{}: unchanged", page.path);
            continue;
        }
        fs::write(&path, text).with_context(|| format!("cannot write `{}`", page.path))?;
        println!("{}: written", page.path);
    }
    Ok(())
}

fn breach(page: &Page, generated: Result<String>) -> Option<String> {
    let path = page.path;
    let text = match generated {
        Ok(text) => text,
        Err(error) => return Some(format!("`{path}` cannot be generated: {error:#}")),
    };
    let kept = fs::read_to_string(workspace::root().join(path)).unwrap_or_default();
    (kept != text).then(|| format!("`{path}` is stale: `cargo xtask codegen` writes it"))
}

/// The text of a page, with one line break at its end.
fn generate(page: &Page) -> Result<String> {
    let mut command = workspace::cargo(&["run", "--quiet", "--package", "prompush-cli", "--"]);
    command.args(["generate-docs", page.topic]);
    let text = process::capture(&mut command, GENERATED_WITHIN, &Interrupt::default())?;
    Ok(format!("{text}\n"))
}
