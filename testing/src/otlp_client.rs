//! A client like gptme's exporter of telemetry: it is a process of its own, and its connection stays open.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::KeepAlive;
use crate::binaries;

/// The headers that gptme's exporter sends.
pub const OTLP_HEADERS: [(&str, &str); 3] = [
    ("User-Agent", "OTel-OTLP-Exporter-Python/1.34.1"),
    ("Accept-Encoding", "gzip, deflate"),
    ("Content-Type", "application/x-protobuf"),
];

/// The environment variable that makes a test program a client. Its value is the address to connect to.
const ADDRESS_VARIABLE: &str = "PROMPUSH_TEST_OTLP_ADDRESS";

/// The beginning of a line with an answer. The test harness prints other lines to the same stdout.
const ANSWER: &str = "answer ";

/// A process that posts bodies on command. Dropping the client kills the process.
#[derive(Debug)]
pub struct OtlpClient {
    child: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl OtlpClient {
    /// Starts the running test program again with only the test `test`, which has to call
    /// [`OtlpClient::run_child`].
    ///
    /// # Panics
    ///
    /// When the program cannot be started.
    #[track_caller]
    pub fn start(test: &str, address: SocketAddr) -> Self {
        let mut child = Command::new(std::env::current_exe().expect("the test is a program"))
            .args([test, "--exact", "--nocapture"])
            .env(ADDRESS_VARIABLE, address.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the test program starts again");
        let commands = child.stdin.take().expect("it is piped");
        let answers = BufReader::new(child.stdout.take().expect("it is piped"));
        Self { child, commands, answers }
    }

    /// The process ID of the client.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Posts a body to a path on the open connection, and returns the status of the answer.
    ///
    /// # Panics
    ///
    /// When the client does not answer, for example because the server does not answer.
    #[track_caller]
    pub fn post(&mut self, path: &str, body: &[u8]) -> u16 {
        writeln!(self.commands, "{path} {}", body.len()).expect("it listens");
        self.commands.write_all(body).expect("it listens");
        self.answer().parse().expect("a status")
    }

    /// Closes the connection and opens another one.
    ///
    /// # Panics
    ///
    /// When no server listens at the address.
    #[track_caller]
    pub fn reconnect(&mut self) {
        writeln!(self.commands).expect("it listens");
        self.answer();
    }

    /// Kills the client with SIGKILL.
    pub fn kill(self) {
        drop(self);
    }

    /// Lets the client exit normally. The connection of the client stays open until the exit.
    ///
    /// # Panics
    ///
    /// When the client fails.
    #[track_caller]
    pub fn end(mut self) {
        writeln!(self.commands, "end").expect("it listens");
        let status = self.child.wait().expect("it can be waited for");
        assert!(status.success(), "{status}");
    }

    #[track_caller]
    fn answer(&mut self) -> String {
        let mut lines = self.answers.by_ref().lines().map(|line| line.expect("UTF-8"));
        lines.find_map(|line| line.strip_prefix(ANSWER).map(str::to_owned)).expect("it answers")
    }

    /// Obeys the commands of the parent process. Returns at once in a process that [`start`](Self::start) did
    /// not start.
    ///
    /// # Panics
    ///
    /// When no server listens at the address, or an answer takes longer than 30 s.
    #[expect(clippy::print_stdout, reason = "how the other process is told")]
    pub fn run_child() {
        let Some(address) = binaries::variable(ADDRESS_VARIABLE) else { return };
        let address = address.parse().expect("an address");
        let connect = || KeepAlive::connect(address).expect("somebody listens");
        let mut connection = connect();
        let mut input = io::stdin().lock();
        let mut command = String::new();
        while input.read_line(&mut command).expect("UTF-8") > 0 && command != "end\n" {
            if let Some((path, length)) = command.trim_end().split_once(' ') {
                let mut body = vec![0; length.parse().expect("a length")];
                input.read_exact(&mut body).expect("the whole body");
                let answer = connection.post(path, &OTLP_HEADERS, &body).expect("an answer");
                println!("\n{ANSWER}{}", answer.status);
            } else {
                connection = connect();
                println!("\n{ANSWER}connected");
            }
            command.clear();
        }
    }
}

impl Drop for OtlpClient {
    fn drop(&mut self) {
        self.child.kill().ok(); // it may have ended by itself
        self.child.wait().ok();
    }
}
