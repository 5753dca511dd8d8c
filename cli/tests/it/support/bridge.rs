//! `prompush bridge` as a process.

use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::mpsc::Receiver;
use std::time::Duration;

use prompush_testing::wait_for;
use rustix::process::Signal;

use crate::support::process::{Process, WAIT_MAX, now, prompush};

/// `prompush bridge` as a process.
pub(crate) struct Bridge {
    pub(crate) process: Process,
    pub(crate) address: SocketAddr,
    /// Its lines on stderr.
    pub(crate) log: Receiver<String>,
}

impl Bridge {
    #[track_caller]
    pub(crate) fn start(gateway: &str, arguments: &[&str]) -> Self {
        let mut command = prompush(&["bridge", "--listen", "127.0.0.1:0", "--gateway", gateway]);
        for variable in ["OTLP_ENDPOINT", "PROMPUSH_INTERVAL", "PROMETHEUS_PORT"] {
            command.env_remove(variable);
        }
        command.args(arguments);
        Self::start_command(command)
    }

    /// The command must start a bridge on a free port.
    #[track_caller]
    pub(crate) fn start_command(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stderr(Stdio::piped());
        let mut process = Process(command.spawn().expect("the binary starts"));
        let log = process.stderr_lines();
        let address = wait_for(WAIT_MAX, "it says where it listens", || {
            let line = log.recv_timeout(WAIT_MAX).ok()?;
            let rest = line.strip_prefix("listening for OTLP on http://")?;
            rest.split(',').next()?.parse().ok()
        });
        Self { process, address, log }
    }

    /// Tells it to end, and how long that took.
    #[track_caller]
    pub(crate) fn end_by(&mut self, signal: Signal, code: i32) -> Duration {
        let started = now();
        self.process.signal(signal);
        let status = self.process.wait(WAIT_MAX);
        assert_eq!(status.code(), Some(code), "{:?}", self.log.try_iter().collect::<Vec<_>>());
        started.elapsed()
    }

    pub(crate) fn end(mut self) {
        self.end_by(Signal::TERM, 0);
    }
}
