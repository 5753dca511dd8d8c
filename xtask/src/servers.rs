//! `cargo xtask servers`: the real servers that tests run against.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::process::{self, Interrupt};
use crate::{apt, workspace};

/// The longest time until a server has printed its version.
const VERSION_WITHIN: Duration = Duration::from_secs(30);

/// A real server and its source.
struct Server {
    /// The file name in `target/servers`, which the tests look for.
    name: &'static str,
    /// The Debian package.
    package: &'static str,
    /// The Debian suite with the package.
    suite: &'static str,
    /// The path of the program, in the package and on a machine with the package installed.
    program: &'static str,
    /// The version that an installed program must have; `None` accepts any version.
    version: Option<&'static str>,
}

const SERVERS: [Server; 4] = [
    Server {
        name: "pushgateway-1.5.1",
        package: "prometheus-pushgateway",
        suite: "bookworm",
        program: "usr/bin/prometheus-pushgateway",
        version: Some("1.5.1"),
    },
    Server {
        name: "pushgateway-1.11.2",
        package: "prometheus-pushgateway",
        suite: "sid",
        program: "usr/bin/prometheus-pushgateway",
        version: Some("1.11.2"),
    },
    Server {
        name: "prometheus",
        package: "prometheus",
        suite: "bookworm",
        program: "usr/bin/prometheus",
        version: None,
    },
    Server {
        name: "promtool",
        package: "prometheus",
        suite: "bookworm",
        program: "usr/bin/promtool",
        version: None,
    },
];

/// Gets the servers that are missing, and prints a line for each server.
///
/// # Errors
///
/// When a server is still missing and `CI=true`.
pub(crate) fn run(interrupt: &Interrupt) -> Result<()> {
    let folder = workspace::servers();
    fs::create_dir_all(&folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
    for server in &SERVERS {
        match provide(server, &folder, interrupt) {
            Ok(line) => println!("{}: {line}", server.name),
            Err(error) => {
                interrupt.check()?;
                println!("skipped: tests against {}: {error:#}", server.name);
            }
        }
    }
    let missing = missing();
    if !missing.is_empty() && workspace::is_ci() {
        bail!("missing with CI=true: {}", missing.join(", "));
    }
    Ok(())
}

/// The names of the servers that are not in the folder.
pub(crate) fn missing() -> Vec<&'static str> {
    let folder = workspace::servers();
    SERVERS.iter().map(|server| server.name).filter(|name| !folder.join(name).is_file()).collect()
}

/// Puts one server into the folder, and returns its version and its source as text.
fn provide(server: &Server, folder: &Path, interrupt: &Interrupt) -> Result<String> {
    let target = folder.join(server.name);
    if let Ok(version) = version(&target, interrupt) {
        return Ok(format!("{version}, already there"));
    }
    if let Some((program, version)) = installed(server, interrupt) {
        copy(&program, &target)?;
        return Ok(format!("{version}, from the installed `{}`", program.display()));
    }
    let unpacked = apt::unpacked(server.package, server.suite, interrupt)?;
    let program = unpacked.join(server.program);
    let version = version(&program, interrupt)?;
    copy(&program, &target)?;
    Ok(format!("{version}, from the package in Debian {}", server.suite))
}

/// The installed program and its version, when the machine has the right version.
fn installed(server: &Server, interrupt: &Interrupt) -> Option<(PathBuf, String)> {
    let program = Path::new("/").join(server.program);
    let found = version(&program, interrupt).ok()?;
    server.version.is_none_or(|wanted| wanted == found).then_some((program, found))
}

/// The version that `--version` prints, on stdout or, in older releases, on stderr.
fn version(program: &Path, interrupt: &Interrupt) -> Result<String> {
    let mut command = Command::new(program);
    let finished = process::finish(command.arg("--version"), &[], VERSION_WITHIN, interrupt)?;
    let text = format!("{}{}", finished.stdout, finished.stderr);
    parse_version(&text).with_context(|| format!("`{}` prints no version", program.display()))
}

/// The word after `version`, without the `+ds` that Debian adds.
fn parse_version(text: &str) -> Option<String> {
    let mut words = text.split_whitespace().skip_while(|word| *word != "version");
    let version = words.nth(1)?.split(['+', ',']).next()?;
    version.starts_with(|character: char| character.is_ascii_digit()).then(|| version.to_owned())
}

/// Copies the program to a temporary name and then renames the copy, so that nobody runs a half-copied program.
fn copy(program: &Path, target: &Path) -> Result<()> {
    let partial = target.with_extension("partial");
    fs::copy(program, &partial)
        .and_then(|_| fs::rename(&partial, target))
        .with_context(|| format!("cannot copy `{}` to `{}`", program.display(), target.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(parse_version(text).as_deref(), expected, "{text}");
    }

    #[test]
    fn versions_are_read_as_the_servers_print_them() {
        check(
            "pushgateway, version 1.5.1 (branch: debian/sid, revision: 1.5.1-2+b5)\n",
            Some("1.5.1"),
        );
        check(
            "prometheus, version 2.42.0+ds (branch: debian/sid, revision: 2.42.0+ds-5)\n",
            Some("2.42.0"),
        );
        check("unknown long flag '--version'", None);
        check("version unknown", None);
    }
}
