//! A bridge to talk to.

use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use prompush_testing::wait_for;
use rustix::process::Signal;

use crate::support::{Process, exposed, prompush};

/// Longest time for what should happen soon.
pub(super) const SOON: Duration = Duration::from_secs(30);

/// `prompush bridge` as a process.
pub(super) struct Bridge {
    pub(super) process: Process,
    pub(super) address: SocketAddr,
    /// Its lines on stderr.
    pub(super) log: Receiver<String>,
}

impl Bridge {
    #[track_caller]
    pub(super) fn start(gateway: &str, arguments: &[&str]) -> Self {
        let mut command = prompush(&["bridge", "--listen", "127.0.0.1:0", "--gateway", gateway]);
        for variable in ["OTLP_ENDPOINT", "PROMPUSH_INTERVAL", "PROMETHEUS_PORT"] {
            command.env_remove(variable);
        }
        command.args(arguments);
        Self::start_command(command)
    }

    /// What the command runs is to be a bridge on a free port.
    #[track_caller]
    pub(super) fn start_command(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stderr(Stdio::piped());
        let mut process = Process(command.spawn().expect("the binary starts"));
        let log = process.stderr_lines();
        let address = wait_for(SOON, "it says where it listens", || {
            let line = log.recv_timeout(SOON).ok()?;
            let rest = line.strip_prefix("listening for OTLP on http://")?;
            rest.split(',').next()?.parse().ok()
        });
        Self { process, address, log }
    }

    /// Tells it to end, and how long that took.
    #[track_caller]
    pub(super) fn end_by(&mut self, signal: Signal, code: i32) -> Duration {
        let started = now();
        self.process.signal(signal);
        let status = self.process.wait(SOON);
        assert_eq!(status.code(), Some(code), "{:?}", self.log.try_iter().collect::<Vec<_>>());
        started.elapsed()
    }

    pub(super) fn end(mut self) {
        self.end_by(Signal::TERM, 0);
    }
}

/// Waits until the gateway exposes lines with `part` that `hold`, and returns them.
#[track_caller]
pub(super) fn wait_for_lines(
    gateway: &str,
    part: &str,
    mut hold: impl FnMut(&[String]) -> bool,
) -> Vec<String> {
    let what = format!("the gateway has what is to be of `{part}`");
    wait_for(SOON, &what, || {
        let lines: Vec<String> = exposed(gateway, part);
        let lines: Vec<String> = lines.into_iter().filter(|line| !line.starts_with('#')).collect();
        hold(&lines).then_some(lines)
    })
}

/// The number at the end of a line.
pub(super) fn value(line: &str) -> f64 {
    line.rsplit(' ').next().and_then(|value| value.parse().ok()).expect("a sample")
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long a process takes is measured on the real clock"
)]
pub(super) fn now() -> Instant {
    Instant::now()
}
