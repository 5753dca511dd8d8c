//! The programs of the real servers.

use std::fs;
use std::path::{Path, PathBuf};

/// The variable that names a folder with the real servers, instead of `target/servers`.
const FOLDER_VARIABLE: &str = "PROMPUSH_TEST_SERVERS";

/// The path of a real server. When the server is missing, returns `None` and prints the name of the skipped test.
///
/// With `CI=true` a missing server fails the test, because a run that tested nothing must not look like a success.
pub(crate) fn find_or_skip(name: &str) -> Option<PathBuf> {
    let found = folders().into_iter().map(|folder| folder.join(name)).find(|path| path.is_file());
    if found.is_none() {
        skip_or_fail(&format!("`{name}` is missing (`cargo xtask servers` gets it)"));
    }
    found
}

/// Prints that a test is skipped, or fails the test with `CI=true`.
pub(crate) fn skip_or_fail(why: &str) {
    assert!(variable("CI").as_deref() != Some("true"), "CI=true, and {why}");
    skip(why);
}

/// Prints to stderr which test is skipped and why. The line bypasses the capture of the test harness.
fn skip(why: &str) {
    use std::io::Write as _;
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    // Not `eprintln!`: the harness hides its output when the test passes.
    writeln!(std::io::stderr(), "skipped: {test}: {why}").ok();
}

/// The folders to search, in this order: the variable, this checkout, the main checkout of a worktree.
fn folders() -> Vec<PathBuf> {
    if let Some(folder) = variable(FOLDER_VARIABLE) {
        return vec![PathBuf::from(folder)];
    }
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    let checkout = manifest.parent().unwrap_or(manifest);
    let mut checkouts = vec![checkout.to_owned()];
    checkouts.extend(main_checkout(checkout));
    // As in cargo, a relative path is relative to the checkout.
    let target = variable("CARGO_TARGET_DIR").unwrap_or_else(|| "target".to_owned());
    checkouts.into_iter().map(|checkout| checkout.join(&target).join("servers")).collect()
}

/// The main checkout of a worktree, whose `.git` is a file with `gitdir: <main checkout>/.git/worktrees/<name>`.
fn main_checkout(worktree: &Path) -> Option<PathBuf> {
    let text = fs::read_to_string(worktree.join(".git")).ok()?;
    let folder = Path::new(text.strip_prefix("gitdir:")?.trim());
    folder.ancestors().find(|path| path.ends_with(".git"))?.parent().map(Path::to_owned)
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests learn where the servers are, and whether CI runs them, from here"
)]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worktree_leads_to_its_main_checkout() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join(".git"), "gitdir: /src/prompush/.git/worktrees/x\n")
            .expect("a file");
        assert_eq!(main_checkout(folder.path()), Some(PathBuf::from("/src/prompush")));
    }

    #[test]
    fn a_plain_checkout_leads_nowhere_else() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir(folder.path().join(".git")).expect("a folder");
        assert_eq!(main_checkout(folder.path()), None);
    }
}
