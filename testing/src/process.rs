//! A real server as a child process.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::{http, waiting};

/// The longest time until a server is ready.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// The number of ports to try. Another process may take a port that was free a moment ago.
const PORTS_TRIED_MAX: usize = 5;

/// The program of a server, and the way to see that the server is ready.
pub(crate) struct Launch {
    pub(crate) binary: PathBuf,
    /// The arguments besides the address to listen on.
    pub(crate) arguments: Vec<String>,
    /// The path that answers with `ready_status` when the server is ready.
    pub(crate) ready_path: String,
    pub(crate) ready_status: u16,
}

/// A running server. Dropping it kills the process and waits for its end.
pub(crate) struct ServerProcess {
    launch: Launch,
    address: SocketAddr,
    child: Child,
    /// The folder with the log, and with the files that the server was given.
    folder: TempDir,
}

impl ServerProcess {
    /// Starts the server on a free loopback port and waits until the server is ready.
    #[track_caller]
    pub(crate) fn start(launch: Launch, folder: TempDir) -> Self {
        let mut address = waiting::free_address();
        let child = spawn(&launch, address, folder.path());
        let mut process = Self { launch, address, child, folder };
        for _ in 1..PORTS_TRIED_MAX {
            if process.becomes_ready() {
                return process;
            }
            assert!(process.log().contains("address already in use"), "{}", process.failure());
            address = waiting::free_address();
            process.child = spawn(&process.launch, address, process.folder.path());
            process.address = address;
        }
        assert!(process.becomes_ready(), "{}", process.failure());
        process
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The output on stdout and stderr since the last start.
    pub(crate) fn log(&self) -> String {
        let bytes = fs::read(log_path(self.folder.path())).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Kills the server with SIGKILL and waits until the process is gone.
    pub(crate) fn kill(&mut self) {
        self.child.kill().ok(); // it may have ended by itself
        self.child.wait().ok();
    }

    /// Kills the server if it still runs, and starts it again on the same port.
    #[track_caller]
    pub(crate) fn restart(&mut self) {
        self.kill();
        self.child = spawn(&self.launch, self.address, self.folder.path());
        assert!(self.becomes_ready(), "{}", self.failure());
    }

    /// Waits until the server is ready. Returns false when the server ends, or the time limit passes, before that.
    fn becomes_ready(&mut self) -> bool {
        waiting::poll(READY_WITHIN, || self.check_ready()).unwrap_or(false)
    }

    /// Checks the server once. Returns true when it is ready, false when it has ended, and `None` when neither is so
    /// yet.
    fn check_ready(&mut self) -> Option<bool> {
        if self.child.try_wait().is_ok_and(|status| status.is_some()) {
            return Some(false);
        }
        // The log is checked first: another process that got the port would answer the request as well.
        if !self.log().contains("Listening on") {
            return None;
        }
        let answer = http::get(self.address, &self.launch.ready_path).ok()?;
        (answer.status == self.launch.ready_status).then_some(true)
    }

    fn failure(&self) -> String {
        let binary = self.launch.binary.display();
        format!("`{binary}` did not become ready on {}; it wrote:\n{}", self.address, self.log())
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        self.kill();
    }
}

fn log_path(folder: &Path) -> PathBuf {
    folder.join("log")
}

#[track_caller]
fn spawn(launch: &Launch, address: SocketAddr, folder: &Path) -> Child {
    let log = File::create(log_path(folder)).expect("a log file in the temporary folder");
    let log_again = log.try_clone().expect("a second handle of the log file");
    let child = Command::new(&launch.binary)
        .arg(format!("--web.listen-address={address}"))
        .args(&launch.arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(log_again)
        .spawn();
    assert!(child.is_ok(), "cannot start `{}`: {child:?}", launch.binary.display());
    child.expect("asserted above")
}
