//! The container images. An image comes from a registry if the registry answers, otherwise from a program on this
//! machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use super::engine::Engine;
use crate::process;
use crate::workspace;

/// The time limit of a pull. On a machine without a network, no registry answers within it.
const PULL_WITHIN: Duration = Duration::from_secs(20);

/// The time limit of building an image.
const BUILD_WITHIN: Duration = Duration::from_mins(2);

/// The reference of the image of the official gateway.
pub(super) fn pushgateway(engine: &Engine) -> Result<String> {
    official(
        engine,
        "prom/pushgateway",
        "pushgateway",
        &["pushgateway-1.11.2", "pushgateway-1.5.1"],
    )
}

/// The reference of the image of Prometheus.
pub(super) fn prometheus(engine: &Engine) -> Result<String> {
    official(engine, "prom/prometheus", "prometheus", &["prometheus"])
}

/// The reference of the image of `prompush`. The image holds the program that was just built.
pub(super) fn prompush(engine: &Engine, program: &Path) -> Result<String> {
    from_scratch(engine, "prompush", program)
}

/// The reference of an official image: the one that the engine has, otherwise the one from a registry, otherwise one
/// made of the first server of `servers` that is in `target/servers`.
fn official(engine: &Engine, reference: &str, name: &str, servers: &[&str]) -> Result<String> {
    if engine.docker(&["image", "inspect", "--format", "{{.Id}}", reference]).is_ok() {
        println!("image {reference}: already there");
        return Ok(reference.to_owned());
    }
    engine.interrupt().check()?;
    if engine.pull(reference, PULL_WITHIN).is_ok() {
        println!("image {reference}: pulled");
        return Ok(reference.to_owned());
    }
    engine.interrupt().check()?;
    let server =
        servers.iter().map(|server| workspace::servers().join(server)).find(|path| path.is_file());
    let server = server.with_context(|| {
        format!(
            "no registry gives `{reference}`, and `target/servers` has no program to build it from"
        )
    })?;
    from_scratch(engine, name, &server)
}

/// An image with only a program, its loader and its libraries.
///
/// The image is imported from a tar archive rather than built, because a build depends on the machine's builder, and
/// the builder may need parts from a registry. The image has one layer in both cases.
fn from_scratch(engine: &Engine, name: &str, program: &Path) -> Result<String> {
    let root = engine.scratch().join(name);
    fs::create_dir_all(&root)?;
    for library in libraries(engine, program)? {
        let place = root.join(library.strip_prefix("/")?);
        fs::create_dir_all(place.parent().context("a library in no folder")?)?;
        fs::copy(&library, &place)
            .with_context(|| format!("cannot copy `{}`", library.display()))?;
    }
    // Not at the top: `/prometheus` is the data folder of Prometheus.
    let bin = root.join("bin");
    fs::create_dir_all(&bin)?;
    fs::copy(program, bin.join(name))
        .with_context(|| format!("cannot copy `{}`", program.display()))?;
    let archive = engine.scratch().join(format!("{name}.tar"));
    let mut tar = Command::new("tar");
    tar.args(["--create", "--owner=0", "--group=0", "--file"])
        .arg(&archive)
        .arg("--directory")
        .arg(&root)
        .arg(".");
    process::capture(&mut tar, BUILD_WITHIN, engine.interrupt())?;
    let reference = format!("{}:e2e", engine.name(name));
    let entry_point = format!("ENTRYPOINT [\"/bin/{name}\"]");
    let label = format!("LABEL {}", engine.label());
    let archive = archive.to_str().context("the temporary folder is no UTF-8")?;
    engine.docker(&[
        "import",
        "--change",
        &entry_point,
        "--change",
        &label,
        archive,
        &reference,
    ])?;
    println!("image {reference}: made of `{}`", file_name(program));
    Ok(reference)
}

/// The loader and the libraries of a program, by the paths where the program looks for them. A static program has
/// none.
fn libraries(engine: &Engine, program: &Path) -> Result<Vec<PathBuf>> {
    let ldd =
        process::finish(Command::new("ldd").arg(program), &[], BUILD_WITHIN, engine.interrupt())?;
    let is_static =
        ldd.stderr.contains("not a dynamic executable") || ldd.stdout.contains("statically linked");
    ensure!(
        ldd.status.success() || is_static,
        "`ldd` fails on `{}`: {}",
        program.display(),
        ldd.stderr
    );
    Ok(parse_ldd(&ldd.stdout))
}

/// The paths in the output of `ldd`. A line is `name => /path (address)` for a library, `/path (address)` for the
/// loader, and `name (address)` for the kernel's own library, which has no path.
fn parse_ldd(text: &str) -> Vec<PathBuf> {
    let path_of =
        |line: &str| line.split_whitespace().find(|word| word.starts_with('/')).map(PathBuf::from);
    text.lines().filter_map(path_of).collect()
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_are_read_from_ldd() {
        let text = "\tlinux-vdso.so.1 (0x00007fff)\n\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f)\n\
            \t/lib64/ld-linux-x86-64.so.2 (0x00007f)\n";
        let expected =
            ["/lib/x86_64-linux-gnu/libc.so.6", "/lib64/ld-linux-x86-64.so.2"].map(PathBuf::from);
        assert_eq!(parse_ldd(text), expected);
        assert!(parse_ldd("\tstatically linked\n").is_empty());
    }
}
