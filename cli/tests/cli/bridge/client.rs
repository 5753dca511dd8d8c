//! Clients of a bridge that are processes of their own, as gptme is.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use prompush_testing::KeepAlive;

use crate::support::Process;

/// Tells this test that it is a client, and of which bridge.
const ADDRESS_VARIABLE: &str = "PROMPUSH_TEST_BRIDGE";

/// Start times that the fixtures have lie in here, in nanoseconds since 1970.
const TIMES: std::ops::Range<u64> = 1_795_300_000_000_000_000..1_795_400_000_000_000_000;

/// A body as gptme sent it.
pub(super) fn fixture(name: &str) -> Vec<u8> {
    let fixtures = "../gptme-integration/tests/fixtures/otlp";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(fixtures).join(format!("{name}.bin"));
    std::fs::read(path).expect("a fixture")
}

/// A body as another process would have sent it, that many seconds later.
pub(super) fn fixture_later(name: &str, seconds: u64) -> Vec<u8> {
    let mut body = fixture(name);
    let mut at = 0;
    while let Some(bytes) = body.get(at..at + 8) {
        let time = u64::from_le_bytes(bytes.try_into().expect("eight bytes"));
        if TIMES.contains(&time) {
            let later = time + seconds * 1_000_000_000;
            body[at..at + 8].copy_from_slice(&later.to_le_bytes());
            at += 8;
        } else {
            at += 1;
        }
    }
    body
}

/// A process that posts what it is told, on one connection that stays open until it ends.
pub(super) struct Client {
    process: Process,
    commands: Option<ChildStdin>,
    done: Receiver<String>,
}

impl Client {
    pub(super) fn start(bridge: SocketAddr) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("this test"))
            .args(["bridge::client::acts_as_a_client", "--exact", "--nocapture"])
            .env(ADDRESS_VARIABLE, bridge.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("this test starts again");
        let commands = child.stdin.take();
        let stdout = child.stdout.take().expect("it is piped");
        let (sender, done) = channel();
        let read = move || {
            let lines = BufReader::new(stdout).lines().map_while(Result::ok);
            let answers = lines.filter_map(|line| line.strip_prefix("done ").map(str::to_owned));
            answers.map(|answer| sender.send(answer)).take_while(Result::is_ok).for_each(drop);
        };
        std::thread::Builder::new().name("client".to_owned()).spawn(read).expect("a thread");
        Self { process: Process(child), commands, done }
    }

    pub(super) fn pid(&self) -> u32 {
        self.process.0.id()
    }

    /// Posts a fixture as metrics, moved by that many seconds.
    pub(super) fn post(&mut self, name: &str, seconds: u64) {
        let commands = self.commands.as_mut().expect("it was not told to end");
        writeln!(commands, "{name} {seconds}").expect("it listens");
        let answer = self.done.recv_timeout(Duration::from_secs(30)).expect("it does as told");
        assert_eq!(answer, "200");
    }

    /// Ends as a program does, its connection open until then.
    pub(super) fn end(mut self) {
        self.commands = None;
        self.process.wait(Duration::from_secs(30));
    }

    /// Ends by SIGKILL.
    pub(super) fn kill(self) {
        drop(self);
    }
}

/// Not a test by itself: what a [`Client`] runs.
#[test]
fn acts_as_a_client() {
    let Some(address) = std::env::var_os(ADDRESS_VARIABLE) else { return };
    let address = address.to_str().and_then(|text| text.parse().ok()).expect("an address");
    let mut connection = KeepAlive::connect(address).expect("the bridge listens");
    for command in std::io::stdin().lines().map_while(Result::ok) {
        let (name, seconds) = command.split_once(' ').expect("a name and a time");
        let body = fixture_later(name, seconds.parse().expect("a number"));
        let headers = [("Content-Type", "application/x-protobuf")];
        let answer = connection.post("/v1/metrics", &headers, &body).expect("an answer");
        println!("done {}", answer.status);
    }
}
