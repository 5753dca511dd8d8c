//! Commands under `prompush run`.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use crate::support::process::{program, prompush};

/// `sh -c script`, bare.
pub(crate) fn bare(script: &str) -> Command {
    let mut command = program("sh");
    command.args(["-c", script]);
    command
}

/// `prompush run … -- sh -c script`, pushing to `url`.
pub(crate) fn wrapped(url: &str, options: &[&str], script: &str) -> Command {
    let mut command = prompush(&["run", "--gateway", url]);
    command.args(options).args(["--", "sh", "-c", script]);
    command
}

/// A script `bin/gptme`, in a folder of its own.
pub(crate) struct Gptme {
    folder: TempDir,
    pub(crate) path: PathBuf,
}

impl Gptme {
    pub(crate) fn new(script: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("bin/gptme");
        std::fs::create_dir(folder.path().join("bin")).expect("a folder in it");
        std::fs::write(&path, format!("#!/bin/bash\n{script}\n")).expect("a script");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))
            .expect("it is ours");
        Self { folder, path }
    }

    pub(crate) fn wrapped(&self, url: &str, options: &[&str]) -> Command {
        let mut command = prompush(&["run", "--gateway", url]);
        command.args(options).arg("--").arg(&self.path).current_dir(self.folder.path());
        command
    }
}

/// Posts a file: `post /v1/metrics body.bin`, and prints the status.
pub(crate) const POST: &str = r#"post() {
  local to=${OTLP_ENDPOINT#http://}
  exec 4<>/dev/tcp/${to%:*}/${to##*:}
  printf 'POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\n' "$1" >&4
  printf 'Content-Length: %d\r\nConnection: close\r\n\r\n' "$(stat -c %s "$2")" >&4
  cat "$2" >&4
  read -r -u 4 _ status _
  cat <&4 > /dev/null
  exec 4>&-
  [ "$status" = 200 ] || echo "answered $status"
}
"#;
