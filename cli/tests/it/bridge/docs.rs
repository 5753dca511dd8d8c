//! The service of docs/bridge.md is one that systemd takes.

use std::fs;
use std::path::Path;
use std::process::Command;

#[test]
fn the_unit_in_the_documentation_is_a_good_one() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/bridge.md");
    let page = fs::read_to_string(page).expect("the page");
    let unit = page.split("```ini\n").nth(1).and_then(|rest| rest.split("```").next());
    let unit = unit.expect("a unit in the page");
    let program = env!("CARGO_BIN_EXE_prompush");
    let installed = unit.replace("%h/.cargo/bin/prompush", program);
    assert!(installed.contains(&format!("ExecStart={program} bridge ")), "{installed}");

    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("prompush-bridge.service");
    fs::write(&file, installed).expect("a file");
    let mut verify = Command::new("systemd-analyze");
    verify.args(["--user", "--man=no", "verify"]).arg(&file);
    verify.env("XDG_RUNTIME_DIR", folder.path());
    let Ok(verified) = verify.output() else {
        println!("skipped: there is no systemd-analyze");
        return;
    };
    let words = String::from_utf8_lossy(&verified.stderr);
    assert!(verified.status.success() && words.trim().is_empty(), "{words}");
}
