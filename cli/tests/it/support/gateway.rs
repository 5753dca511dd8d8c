//! Gateways to run the binary against, and what they expose.

use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::mpsc::Receiver;

use prompush_testing::{Pushgateway, Version, wait_for};

use crate::support::process::{Process, WAIT_MAX, prompush};

/// `prompush gateway` as a process.
#[derive(Debug)]
pub(crate) struct OurGateway {
    pub(crate) process: Process,
    pub(crate) url: String,
    /// Its lines on stderr after the first.
    pub(crate) log: Receiver<String>,
}

impl OurGateway {
    #[track_caller]
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut command = prompush(&["gateway", "--web.listen-address=127.0.0.1:0"]);
        command.args(arguments).stdin(Stdio::null()).stderr(Stdio::piped());
        let mut process = Process(command.spawn().expect("the binary starts"));
        let log = process.stderr_lines();
        let first = log.recv_timeout(WAIT_MAX).expect("it says where it listens");
        let url = first.strip_prefix("listening on ").expect("it says where it listens").to_owned();
        Self { process, url, log }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        address(&self.url)
    }
}

/// `http://127.0.0.1:1` → `127.0.0.1:1`
pub(crate) fn address(url: &str) -> SocketAddr {
    url.trim_start_matches("http://").parse().expect("a loopback address")
}

/// Runs a test against our gateway and both real ones, where they are there.
pub(crate) fn for_each_gateway(test: impl Fn(&str)) {
    test(&OurGateway::start(&[]).url);
    for version in Version::ALL {
        if let Some(gateway) = Pushgateway::start(version) {
            test(gateway.url());
        }
    }
}

/// The lines of a scrape of the gateway that hold `part`.
pub(crate) fn exposed(url: &str, part: &str) -> Vec<String> {
    let answer = prompush_testing::http::get(address(url), "/metrics").expect("an answer");
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.text().lines().filter(|line| line.contains(part)).map(str::to_owned).collect()
}

/// Waits until the gateway exposes lines with `part` that `hold`, and returns them.
#[track_caller]
pub(crate) fn wait_for_lines(
    gateway: &str,
    part: &str,
    mut hold: impl FnMut(&[String]) -> bool,
) -> Vec<String> {
    let what = format!("the gateway has what is to be of `{part}`");
    wait_for(WAIT_MAX, &what, || {
        let lines: Vec<String> = exposed(gateway, part);
        let lines: Vec<String> = lines.into_iter().filter(|line| !line.starts_with('#')).collect();
        hold(&lines).then_some(lines)
    })
}

/// The number at the end of a line.
pub(crate) fn value(line: &str) -> f64 {
    line.rsplit(' ').next().and_then(|value| value.parse().ok()).expect("a sample")
}
