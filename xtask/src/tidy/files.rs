//! The rules for every file: its length, its name, and the folders whose names must not stand in it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use crate::process::{self, Interrupt};
use crate::workspace;

/// The longest Rust file, in lines.
const LINES_MAX: usize = 500;

/// Names that say nothing about the content of a file. A file is named after a noun of the field.
const EMPTY_NAMES: [&str; 5] = ["utils", "util", "common", "helpers", "helper"];

/// Folders of one machine. Each is put together from two parts, so that this file does not break the rule.
const MACHINE_FOLDERS: [&str; 2] = [concat!("/wo", "rk/"), concat!("/ro", "ot/")];

/// A text file of the checkout.
#[derive(Debug)]
pub(super) struct TextFile {
    /// The path from the top folder.
    pub(super) path: PathBuf,
    pub(super) text: String,
}

/// Reads the files that git tracks, and new files that git does not ignore, so that the rules also hold before a file
/// is added.
pub(super) fn read() -> Result<Vec<TextFile>> {
    let mut command = Command::new("git");
    command.current_dir(workspace::root());
    command.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let list = process::capture(&mut command, Duration::from_mins(1), &Interrupt::default())?;
    let mut paths: Vec<&str> = list.split('\0').filter(|path| !path.is_empty()).collect();
    paths.sort_unstable();
    paths.dedup();
    let read = |path: &&str| {
        // Git lists files that were deleted. A file that is not UTF-8 is not text.
        let text = fs::read_to_string(workspace::root().join(path)).ok()?;
        Some(TextFile { path: PathBuf::from(path), text })
    };
    Ok(paths.iter().filter_map(read).collect())
}

/// Names the rules that a file breaks.
pub(super) fn check(file: &TextFile) -> Vec<String> {
    let path = file.path.display();
    let mut breaches = Vec::new();
    let lines = file.text.lines().count();
    let is_rust = file.path.extension().is_some_and(|extension| extension == "rs");
    if is_rust && lines > LINES_MAX {
        breaches.push(format!("`{path}` has {lines} lines: the limit is {LINES_MAX}, so split it"));
    }
    if is_rust && let Some(name) = empty_name(&file.path) {
        breaches.push(format!("`{path}`: `{name}` says nothing: name it after what is inside"));
    }
    for (number, line) in (1..).zip(file.text.lines()) {
        if let Some(folder) = MACHINE_FOLDERS.into_iter().find(|folder| names_folder(line, folder))
        {
            breaches.push(format!("`{path}` line {number}: `{folder}` is a folder of one machine"));
        }
    }
    breaches
}

fn empty_name(path: &Path) -> Option<String> {
    let stems =
        path.iter().map(|part| Path::new(part).file_stem().unwrap_or(part).to_string_lossy());
    stems
        .into_iter()
        .find(|stem| EMPTY_NAMES.contains(&stem.as_ref()))
        .map(std::borrow::Cow::into_owned)
}

/// Whether the line names `folder` as an absolute path rather than as the end of a longer path.
fn names_folder(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(start, _)| {
        let before = line.get(..start).unwrap_or_default().chars().next_back();
        !before.is_some_and(|before| before.is_alphanumeric() || "/._-$}~".contains(before))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_file(path: &str, text: &str, expected: usize) {
        let breaches = check(&TextFile { path: PathBuf::from(path), text: text.to_owned() });
        assert_eq!(breaches.len(), expected, "{breaches:?}");
    }

    #[test]
    fn files_have_a_length() {
        check_file("core/src/registry.rs", &"\n".repeat(LINES_MAX), 0);
        check_file("core/src/registry.rs", &"\n".repeat(LINES_MAX + 1), 1);
        check_file("docs/design.md", &"\n".repeat(LINES_MAX + 1), 0);
    }

    #[test]
    fn files_have_a_name() {
        check_file("core/src/utils.rs", "", 1);
        check_file("core/tests/common/mod.rs", "", 1);
        check_file("core/src/commonality.rs", "", 0);
    }

    #[test]
    fn folders_of_one_machine_are_found() {
        let [work, root] = MACHINE_FOLDERS;
        check_file("README.md", &format!("see {work}main"), 1);
        check_file("README.md", &format!("cd \"{root}x\""), 1);
        check_file("README.md", &format!("$HOME{work}x and target{root}y"), 0);
    }
}
