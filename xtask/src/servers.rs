//! `cargo xtask servers`: the real servers that tests run against.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::process::{self, Interrupt};
use crate::{apt, workspace};

/// How long a server may take to print its version.
const VERSION_WITHIN: Duration = Duration::from_secs(30);

/// A real server, and where it comes from.
struct Server {
    /// The file name in `target/servers`, which the tests look for.
    name: &'static str,
    /// The Debian package.
    package: &'static str,
    /// The Debian suite to take it from.
    suite: &'static str,
    /// The program, in the package and on a machine where it is installed.
    program: &'static str,
    /// What an installed one has to be; `None`: any version will do.
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

/// Gets what is missing, and says in a line each what is there and what is not.
///
/// # Errors
///
/// When a server cannot be had and `CI=true`.
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

/// The servers that are not in their place.
pub(crate) fn missing() -> Vec<&'static str> {
    let folder = workspace::servers();
    SERVERS.iter().map(|server| server.name).filter(|name| !folder.join(name).is_file()).collect()
}

/// Puts one server in its place, and says which version it is and where it came from.
fn provide(server: &Server, folder: &Path, interrupt: &Interrupt) -> Result<String> {
    let place = folder.join(server.name);
    if let Ok(version) = version(&place, interrupt) {
        return Ok(format!("{version}, already there"));
    }
    if let Some((program, version)) = installed(server, interrupt) {
        copy(&program, &place)?;
        return Ok(format!("{version}, from the installed `{}`", program.display()));
    }
    let unpacked = apt::unpacked(server.package, server.suite, interrupt)?;
    let program = unpacked.join(server.program);
    let version = version(&program, interrupt)?;
    copy(&program, &place)?;
    Ok(format!("{version}, from the package in Debian {}", server.suite))
}

/// The program where the machine has it in the right version.
fn installed(server: &Server, interrupt: &Interrupt) -> Option<(PathBuf, String)> {
    let program = Path::new("/").join(server.program);
    let found = version(&program, interrupt).ok()?;
    server.version.is_none_or(|wanted| wanted == found).then_some((program, found))
}

/// What `--version` says: on stdout, or on stderr in older releases.
fn version(program: &Path, interrupt: &Interrupt) -> Result<String> {
    let mut command = Command::new(program);
    let finished = process::finish(command.arg("--version"), &[], VERSION_WITHIN, interrupt)?;
    let text = format!("{}{}", finished.stdout, finished.stderr);
    parse_version(&text)
        .with_context(|| format!("`{}` does not say its version", program.display()))
}

/// The word after `version`, without the `+ds` that Debian adds.
fn parse_version(text: &str) -> Option<String> {
    let mut words = text.split_whitespace().skip_while(|word| *word != "version");
    let version = words.nth(1)?.split(['+', ',']).next()?;
    version.starts_with(|character: char| character.is_ascii_digit()).then(|| version.to_owned())
}

/// Copies under another name first, so that a half-copied program is never taken for a whole one.
fn copy(program: &Path, place: &Path) -> Result<()> {
    let partial = place.with_extension("partial");
    fs::copy(program, &partial)
        .and_then(|_| fs::rename(&partial, place))
        .with_context(|| format!("cannot copy `{}` to `{}`", program.display(), place.display()))
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
