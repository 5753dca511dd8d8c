//! A gateway as a process of its own.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};
use prompush_testing::{free_address, http, wait_for};

/// The longest time until a gateway answers.
const READY_WITHIN: Duration = Duration::from_secs(20);

/// A gateway's program, and how to start it.
#[derive(Debug)]
pub(crate) struct Program {
    file: PathBuf,
    /// The arguments before those that every gateway takes.
    arguments: &'static [&'static str],
    /// The heading of the column.
    name: String,
}

impl Program {
    /// A `prompush`, whose sub-command `gateway` is the gateway.
    pub(crate) fn prompush(file: PathBuf) -> Self {
        Self { name: file.display().to_string(), file, arguments: &["gateway"] }
    }

    /// A Pushgateway.
    pub(crate) fn pushgateway(file: PathBuf) -> Self {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Self { name, file, arguments: &[] }
    }

    /// The heading of the column.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }
}

/// A running gateway on a free loopback port; killed when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    /// Starts the program with further arguments, and waits until the gateway is ready.
    pub(crate) fn start(program: &Program, arguments: &[&str]) -> Result<Self> {
        let address = free_address();
        let child = Command::new(&program.file)
            .args(program.arguments)
            .arg(format!("--web.listen-address={address}"))
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start `{}`", program.file.display()))?;
        let server = Self { child, address };
        wait_for(READY_WITHIN, "the gateway is ready", || {
            let answer = http::get(address, "/-/ready").ok()?;
            (answer.status == 200).then_some(())
        });
        Ok(server)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok(); // it may have ended by itself
        self.child.wait().ok();
    }
}
