//! Runs the binary, with a limit to its time.

use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use prompush_testing::wait_for;

/// Longest wait for something that should happen soon.
pub(crate) const WAIT_MAX: Duration = Duration::from_secs(30);
/// Longest time that one run may take.
const RUN_TIME_MAX: Duration = Duration::from_mins(2);

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Run {
    /// `None` when a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// Fails the test unless the exit code is that one and nothing else went wrong.
    #[track_caller]
    pub(crate) fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }
}

/// A program, with its signals as a terminal's shell gives them: who runs the tests may ignore some, as `nohup` does.
pub(crate) fn program(path: &str) -> Command {
    if !cfg!(target_os = "linux") {
        return Command::new(path);
    }
    let mut command = Command::new("/usr/bin/env");
    command.args(["--default-signal=HUP,INT,QUIT", path]);
    command
}

/// The binary, with an environment that says nothing.
pub(crate) fn prompush(arguments: &[&str]) -> Command {
    let mut command = program(env!("CARGO_BIN_EXE_prompush"));
    command
        .args(arguments)
        .env("NO_PROXY", "127.0.0.1")
        .env_remove("PUSHGATEWAY_URL")
        .env_remove("PROMPUSH_SPOOL");
    let ours = std::env::vars_os().map(|(name, _)| name);
    for name in ours.filter(|name| name.to_string_lossy().starts_with("PROMPUSH_")) {
        command.env_remove(name);
    }
    command
}

/// Runs it with that stdin to its end.
#[track_caller]
pub(crate) fn run(arguments: &[&str], stdin: impl AsRef<[u8]>) -> Run {
    run_command(&mut prompush(arguments), stdin)
}

/// Runs a command with that stdin to its end.
#[track_caller]
pub(crate) fn run_command(command: &mut Command, stdin: impl AsRef<[u8]>) -> Run {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = Process(command.spawn().expect("the binary starts"));
    let (stdout, stderr) = (read_all(child.0.stdout.take()), read_all(child.0.stderr.take()));
    let mut pipe = child.0.stdin.take().expect("stdin is piped");
    let input = stdin.as_ref().to_vec();
    thread::Builder::new()
        .name("stdin".to_owned())
        // A program that reads nothing closes its stdin: no fault of the test.
        .spawn(move || pipe.write_all(&input).is_ok())
        .expect("a thread starts");
    let status = child.wait(RUN_TIME_MAX);
    let text = |bytes: &Receiver<Vec<u8>>| {
        let bytes = bytes.recv_timeout(RUN_TIME_MAX).expect("its output ends with it");
        String::from_utf8_lossy(&bytes).into_owned()
    };
    Run { code: status.code(), stdout: text(&stdout), stderr: text(&stderr) }
}

/// A process that does not outlive the test.
#[derive(Debug)]
pub(crate) struct Process(pub(crate) Child);

impl Process {
    #[track_caller]
    pub(crate) fn wait(&mut self, within: Duration) -> std::process::ExitStatus {
        wait_for(within, "the process ends", || self.0.try_wait().expect("it can be waited for"))
    }

    /// The lines of its stderr, which has to be piped, as they come.
    #[track_caller]
    pub(crate) fn stderr_lines(&mut self) -> Receiver<String> {
        let stderr = self.0.stderr.take().expect("stderr is piped");
        let (sender, lines) = channel();
        let read = move || {
            let read = BufReader::new(stderr).lines().map_while(Result::ok);
            read.map(|line| sender.send(line)).take_while(Result::is_ok).for_each(drop);
        };
        thread::Builder::new().name("log".to_owned()).spawn(read).expect("a thread starts");
        lines
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        rustix::process::kill_process(rustix::process::Pid::from_child(&self.0), signal)
            .expect("it can be signalled");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn read_all(pipe: Option<impl Read + Send + 'static>) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    let mut pipe = pipe.expect("it is piped");
    let read = move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).ok();
        sender.send(bytes).ok();
    };
    thread::Builder::new().name("output".to_owned()).spawn(read).expect("a thread starts");
    receiver
}

#[expect(
    clippy::disallowed_methods,
    reason = "how long a process takes is measured on the real clock"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}
