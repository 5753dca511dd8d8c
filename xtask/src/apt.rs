//! Takes single programs out of Debian packages, without installing a package.
//!
//! The module uses `apt-get download` and `dpkg-deb -x` rather than `apt-get install`. An installed server starts at
//! once as a service on a fixed port, a machine can install only one version, and the installation needs root.
//! Packages that are unpacked under `target/` stand side by side, do not change the machine, and need no root.
//!
//! Each suite has its own state of apt below `target/apt/<suite>`: sources, package lists, cache. The mirror and the
//! keys are the machine's own, and apt checks every download against the keys as in any installation.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::process::{self, Interrupt};
use crate::workspace;

/// The longest time of one `update` or `download`.
const APT_WITHIN: Duration = Duration::from_mins(5);

/// The keys of Debian's archive, as the package `debian-archive-keyring` names them in older and newer releases.
const KEYRINGS: [&str; 2] = [
    "/usr/share/keyrings/debian-archive-keyring.gpg",
    "/usr/share/keyrings/debian-archive-keyring.pgp",
];

/// Downloads a package of a suite, unpacks it, and returns the folder with its files.
///
/// # Errors
///
/// When the machine has no apt, no keys of Debian's archive or no mirror, or when apt fails.
pub(crate) fn unpacked(package: &str, suite: &str, interrupt: &Interrupt) -> Result<PathBuf> {
    for program in ["apt-get", "dpkg-deb"] {
        ensure!(process::find(program).is_some(), "this machine has no `{program}`");
    }
    let keyring = KEYRINGS.into_iter().find(|path| Path::new(path).is_file());
    let keyring = keyring.context("this machine has no keys of Debian's archive")?;
    let mirror = mirror().context("the apt sources of this machine name no mirror of Debian")?;
    let root = workspace::target().join("apt").join(suite);
    for folder in ["lists/partial", "cache/archives/partial", "parts", "debs"] {
        fs::create_dir_all(root.join(folder))?;
    }
    let sources = format!("deb [signed-by={keyring}] {mirror} {suite} main\n");
    fs::write(root.join("sources.list"), sources)?;
    if !root.join("updated").exists() {
        apt(&root, &["update"], interrupt)
            .with_context(|| format!("cannot list the packages of Debian {suite}"))?;
        fs::write(root.join("updated"), "")?;
    }
    unpack(&root, package, interrupt)
}

/// Downloads and unpacks the package. When the download fails, the package lists may be out of date: the function then
/// updates the lists, and tries once more.
fn unpack(root: &Path, package: &str, interrupt: &Interrupt) -> Result<PathBuf> {
    let debs = root.join("debs").join(package);
    fs::remove_dir_all(&debs).ok(); // of an earlier run
    fs::create_dir_all(&debs)?;
    let download = || apt_command(root, &["download", package], &debs);
    if run_apt(&mut download(), interrupt).is_err() {
        apt(root, &["update"], interrupt)?;
        run_apt(&mut download(), interrupt)?;
    }
    let deb = fs::read_dir(&debs)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
        .with_context(|| format!("apt-get download left no `{package}` package"))?;
    let files = debs.join("files");
    let mut extract = Command::new("dpkg-deb");
    process::capture(extract.arg("-x").arg(&deb).arg(&files), APT_WITHIN, interrupt)?;
    Ok(files)
}

fn apt(root: &Path, arguments: &[&str], interrupt: &Interrupt) -> Result<()> {
    run_apt(&mut apt_command(root, arguments, root), interrupt)
}

/// Runs apt-get. An error shows only the lines that begin with `E:`, because apt-get's command line fills a screen.
fn run_apt(command: &mut Command, interrupt: &Interrupt) -> Result<()> {
    let finished = process::finish(command, &[], APT_WITHIN, interrupt)?;
    let errors: Vec<&str> =
        finished.stderr.lines().filter_map(|line| line.strip_prefix("E: ")).collect();
    ensure!(finished.status.success(), "apt-get fails: {}", errors.join("; "));
    Ok(())
}

fn apt_command(root: &Path, arguments: &[&str], folder: &Path) -> Command {
    let mut command = Command::new("apt-get");
    command.current_dir(folder).env("LC_ALL", "C").arg("--quiet");
    let folders = [
        ("Dir::Etc::sourcelist", "sources.list"),
        ("Dir::Etc::sourceparts", "parts"),
        ("Dir::Etc::preferencesparts", "parts"),
        ("Dir::State::lists", "lists"),
        ("Dir::Cache", "cache"),
    ];
    for (option, path) in folders {
        command.arg("-o").arg(format!("{option}={}", root.join(path).display()));
    }
    let options = [
        "Dir::Etc::preferences=/dev/null",
        // Only the lists of packages: no descriptions, no software-centre metadata.
        "Acquire::Languages=none",
        "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false",
        "Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false",
        // A snapshot mirror serves lists that are past their date. apt still checks the signature.
        "Acquire::Check-Valid-Until=false",
        "Acquire::http::Timeout=20",
        "Acquire::Retries=2",
        "APT::Update::Error-Mode=any",
        // apt's own user cannot write below this folder when root runs it.
        "APT::Sandbox::User=root",
    ];
    for option in options {
        command.args(["-o", option]);
    }
    command.args(arguments);
    command
}

/// The mirror of Debian that the machine's own apt sources name.
fn mirror() -> Option<String> {
    let mut files = vec![PathBuf::from("/etc/apt/sources.list")];
    let parts = fs::read_dir("/etc/apt/sources.list.d").into_iter().flatten();
    files.extend(parts.filter_map(|entry| Some(entry.ok()?.path())));
    files.sort();
    files.iter().find_map(|file| {
        let text = fs::read_to_string(file).ok()?;
        match file.extension()?.to_str()? {
            "sources" => mirror_in_stanzas(&text),
            "list" => mirror_in_lines(&text),
            _ => None,
        }
    })
}

/// The mirror in sources of the one-line style: `deb [options] URI suite main …`.
fn mirror_in_lines(text: &str) -> Option<String> {
    text.lines().find_map(|line| {
        let line = line.trim().strip_prefix("deb ")?.trim_start();
        let line = line
            .strip_prefix('[')
            .and_then(|rest| rest.split_once(']'))
            .map_or(line, |(_, rest)| rest);
        let mut words = line.split_whitespace();
        let uri = words.next()?;
        is_debian(uri, words.next()?, words).then(|| uri.to_owned())
    })
}

/// The mirror in sources of the deb822 style: stanzas of `Field: value`, with an empty line between two stanzas.
fn mirror_in_stanzas(text: &str) -> Option<String> {
    text.split("\n\n").find_map(|stanza| {
        let field = |name: &str| stanza.lines().find_map(|line| line.strip_prefix(name));
        if field("Enabled:").is_some_and(|value| value.trim() == "no") {
            return None;
        }
        let uri = field("URIs:")?.split_whitespace().next()?;
        let suite = field("Suites:")?.split_whitespace().next()?;
        is_debian(uri, suite, field("Components:")?.split_whitespace()).then(|| uri.to_owned())
    })
}

/// Whether a source is the main archive, which holds every suite. The archive of security updates has the same components
/// but lacks the packages.
fn is_debian<'a>(uri: &str, suite: &str, mut components: impl Iterator<Item = &'a str>) -> bool {
    let path = uri.trim_end_matches('/');
    path.ends_with("/debian")
        && !suite.contains("security")
        && components.any(|component| component == "main")
        || path.starts_with("mirror+file:")
            && !path.contains("security")
            && !suite.contains("security")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mirror_is_read_from_lines() {
        let text = "# deb http://old.example/debian sid main\n\
            deb https://tools.example/apt tools main\n\
            deb http://mirror.example/debian-security bookworm-security main\n\
            deb [signed-by=/k arch=amd64] http://mirror.example/debian bookworm main contrib\n";
        assert_eq!(mirror_in_lines(text).as_deref(), Some("http://mirror.example/debian"));
        assert_eq!(mirror_in_lines("deb http://archive.example/ubuntu noble main\n"), None);
    }

    #[test]
    fn the_mirror_is_read_from_stanzas() {
        let text = "Types: deb\nURIs: http://mirror.example/debian-security\nSuites: bookworm-security\n\
            Components: main\n\nTypes: deb\n# the mirror\nURIs: http://mirror.example/debian\n\
            Suites: bookworm bookworm-updates\nComponents: main\nSigned-By: /k\n";
        assert_eq!(mirror_in_stanzas(text).as_deref(), Some("http://mirror.example/debian"));
        assert_eq!(
            mirror_in_stanzas("Enabled: no\nURIs: http://m/debian\nSuites: sid\nComponents: main"),
            None
        );
    }
}
