//! The README's commands, as written, but for the port.

use std::process::Command;

use prompush_testing::free_address;

use crate::support::run_command;

const README: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md"));

/// The block of shell commands below a heading.
fn shell_block(heading: &str) -> &'static str {
    let (_, section) = README.split_once(heading).expect("the heading is there");
    let (_, block) = section.split_once("```sh\n").expect("a block follows");
    block.split_once("```").expect("it ends").0
}

#[test]
fn in_a_shell() {
    let written = shell_block("## In a shell");
    assert!(written.lines().count() <= 10, "ten lines of shell use");
    let script = written.replace("127.0.0.1:9091", &free_address().to_string());
    let folder = tempfile::tempdir().expect("a folder");
    let binary = std::path::Path::new(env!("CARGO_BIN_EXE_prompush"));
    let path = format!(
        "{}:{}",
        binary.parent().expect("it is in a folder").display(),
        std::env::var_os("PATH").unwrap_or_default().display()
    );
    let mut bash = Command::new("bash");
    // The gateway's own output is not kept: it lives as long as the script does not end it.
    bash.args(["-euo", "pipefail", "-c", &format!("{script}\nkill %1\nwait %1")]);
    bash.current_dir(folder.path()).env("PATH", path).env("NO_PROXY", "127.0.0.1");
    let done = run_command(&mut bash, "").expect_code(0);
    for expected in [
        "nightly_import  instance=\"host-1\"",
        "\"job\": \"nightly_import\"",
        "{job=\"nightly_import\",instance=\"host-1\"}\n{job=\"test\"}\n",
    ] {
        assert!(done.stdout.contains(expected), "{expected} in {done:#?}");
    }
    for expected in ["pushed 1 metric family, 1 sample", "would delete 1 group", "deleted 1 group"]
    {
        assert!(done.stderr.contains(expected), "{expected} in {done:#?}");
    }
}
