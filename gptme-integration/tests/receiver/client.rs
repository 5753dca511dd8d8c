//! A client as gptme's: HTTP/1.1 on a connection that stays open. In this process, or as one of its own.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use prompush_testing::KeepAlive;
use prompush_testing::http::Response;

use crate::support::fixture;

/// A connection that posts.
pub(crate) struct Client(KeepAlive);

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        Self(KeepAlive::connect(address).expect("the receiver listens"))
    }

    pub(crate) fn post(&mut self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
        let mut all = vec![
            ("User-Agent", "OTel-OTLP-Exporter-Python/1.34.1"),
            ("Accept-Encoding", "gzip, deflate"),
        ];
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
            all.push(("Content-Type", "application/x-protobuf"));
        }
        all.extend(headers);
        self.0.post(path, &all, body).expect("an answer")
    }

    /// Posts a fixture to `/v1/metrics`.
    pub(crate) fn post_metrics(&mut self, name: &str) -> Response {
        self.post("/v1/metrics", &[], &fixture(name))
    }
}

/// A process that does what it is told.
pub(crate) struct ClientProcess {
    child: Child,
    commands: Option<ChildStdin>,
    done: Receiver<String>,
}

/// Tells the child that it is one, and where the receiver listens.
const ADDRESS_VARIABLE: &str = "PROMPUSH_TEST_RECEIVER";

impl ClientProcess {
    pub(crate) fn start(address: SocketAddr) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("this test"))
            .args(["client::acts_as_a_client", "--exact", "--nocapture"])
            .env(ADDRESS_VARIABLE, address.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
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
        Self { child, commands, done }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Posts a fixture to that path on the connection that is open.
    pub(crate) fn post(&mut self, path: &str, name: &str) {
        assert_eq!(self.tell(&format!("post {path} {name}")), "200");
    }

    /// Closes the connection and opens another one.
    pub(crate) fn reconnect(&mut self) {
        assert_eq!(self.tell("reconnect"), "reconnected");
    }

    /// Posts without waiting for the answer, and is killed.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it can be waited for");
    }

    /// Ends, with its connection open until then.
    pub(crate) fn end(mut self) {
        self.commands = None;
        self.child.wait().expect("it can be waited for");
    }

    fn tell(&mut self, command: &str) -> String {
        let commands = self.commands.as_mut().expect("it was not told to end");
        writeln!(commands, "{command}").expect("it listens");
        self.done.recv_timeout(Duration::from_secs(20)).expect("it does as told")
    }
}

impl Drop for ClientProcess {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Not a test by itself: what [`ClientProcess`] runs.
#[test]
fn acts_as_a_client() {
    let Some(address) = std::env::var_os(ADDRESS_VARIABLE) else { return };
    let address = address.to_str().and_then(|text| text.parse().ok()).expect("an address");
    let mut client = Client::connect(address);
    for command in io::stdin().lines().map_while(Result::ok) {
        let words: Vec<&str> = command.split(' ').collect();
        if let ["post", path, name] = words.as_slice() {
            let answer = client.post(path, &[], &fixture(name));
            println!("done {}", answer.status);
        } else {
            client = Client::connect(address);
            println!("done reconnected");
        }
    }
}
