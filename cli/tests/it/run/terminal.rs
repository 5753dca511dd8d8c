//! A shell with job control on a terminal: the whole transcript has to be the same with and without.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use prompush_testing::wait_until;
use rustix::process::Signal;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::support::{OurGateway, Process, WAIT_MAX, exposed, program};

/// The text that the shell shows when it waits for a command.
const PROMPT: &str = "ready> ";

/// A terminal with a shell on it.
struct Terminal {
    keyboard: Option<File>,
    screen: Receiver<Vec<u8>>,
    shown: String,
    shell: Process,
}

impl Terminal {
    /// In the shell, `$run` stands for what goes before a command: nothing, or `prompush run … --`.
    #[track_caller]
    fn start(run: &str) -> Self {
        let main = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&main).and_then(|()| unlockpt(&main)).expect("it is ours");
        let name = ptsname(&main, Vec::new()).expect("it has a name");
        let name = name.to_str().expect("UTF-8").to_owned();
        let open = || File::options().read(true).write(true).open(&name).expect("it opens");
        let mut command = program("setsid");
        command.args(["--ctty", "bash", "--norc", "--noprofile", "--noediting", "-i"]);
        command.stdin(open()).stdout(open()).stderr(open());
        command.env("PS1", PROMPT).env("run", run).env("TERM", "dumb").env("NO_PROXY", "127.0.0.1");
        command.env_remove("PUSHGATEWAY_URL").env_remove("HISTFILE").env("LC_ALL", "C");
        let shell = Process(command.spawn().expect("setsid is there"));
        drop(command);
        let keyboard = File::from(main);
        let mut main = keyboard.try_clone().expect("a second handle");
        let (sender, screen) = channel();
        let read = move || {
            let mut buffer = vec![0; 65536];
            // The last to have the terminal open has closed it: that is an error, too.
            while let Ok(read @ 1..) = main.read(&mut buffer) {
                if sender.send(buffer[..read].to_vec()).is_err() {
                    break;
                }
            }
        };
        thread::Builder::new().name("screen".to_owned()).spawn(read).expect("a thread starts");
        let mut terminal = Self { keyboard: Some(keyboard), screen, shown: String::new(), shell };
        terminal.wait_for(PROMPT);
        terminal
    }

    /// Waits until the screen shows that, after what was waited for before; gives what came with it.
    #[track_caller]
    fn wait_for(&mut self, expected: &str) -> String {
        let mut seen = String::new();
        loop {
            if let Some(at) = self.shown.find(expected) {
                let rest = self.shown.split_off(at + expected.len());
                seen.push_str(&std::mem::replace(&mut self.shown, rest));
                return seen;
            }
            let bytes = self.screen.recv_timeout(WAIT_MAX).ok();
            assert!(bytes.is_some(), "{expected:?} did not come: {:?}", self.shown);
            self.shown.push_str(&String::from_utf8_lossy(&bytes.unwrap_or_default()));
        }
    }

    fn keys(&mut self, keys: &str) {
        let keyboard = self.keyboard.as_mut().expect("it is open");
        keyboard.write_all(keys.as_bytes()).expect("the terminal takes them");
    }

    /// Types a line, and gives all that is shown until the next prompt.
    #[track_caller]
    fn line(&mut self, line: &str) -> String {
        self.keys(&format!("{line}\n"));
        self.wait_for(PROMPT)
    }
}

/// Plays a scene without and with `prompush run`, and compares all that was shown.
#[track_caller]
fn compare(scene: impl Fn(&mut Terminal) -> Vec<String>) {
    let gateway = OurGateway::start(&[]);
    let play = |run: &str| scene(&mut Terminal::start(run));
    let run =
        format!("{} run --gateway {} --job scene --", env!("CARGO_BIN_EXE_prompush"), gateway.url);
    let expected = play("");
    assert_eq!(play(&run), expected);
    assert!(!exposed(&gateway.url, "job_last_completion").is_empty(), "it was wrapped");
}

#[test]
fn keys_reach_the_command_once() {
    compare(|terminal| {
        // No program to wait with: whether a key finds one running would show.
        let count = "n=0; trap \"n=\\$((n + 1)); echo got\" INT QUIT; echo begun; \
                     while [ $n -lt 3 ]; do :; done; sleep 0.2; echo count $n; exit 3";
        terminal.keys(&format!("$run sh -c '{count}'\n"));
        let mut shown = vec![terminal.wait_for("begun\r\n")];
        for key in ["\u{3}", "\u{1c}", "\u{3}"] {
            terminal.keys(key);
            shown.push(terminal.wait_for("got\r\n"));
        }
        shown.push(terminal.wait_for(PROMPT));
        shown.push(terminal.line("echo status $?"));
        shown
    });
}

#[test]
fn an_interrupt_ends_what_does_not_handle_it() {
    compare(|terminal| {
        let mut shown = Vec::new();
        for key in ["\u{3}", "\u{1c}"] {
            terminal.keys("$run sh -c 'ulimit -c 0; echo begun; exec sleep 60'\n");
            shown.push(terminal.wait_for("begun\r\n"));
            terminal.keys(key);
            shown.push(terminal.wait_for(PROMPT));
            shown.push(terminal.line("echo status $?"));
        }
        shown
    });
}

#[test]
fn jobs_are_stopped_and_continued() {
    compare(|terminal| {
        let loop_ =
            "echo begun; while read line; do echo got $line; [ $line = end ] && exit 4; done";
        terminal.keys(&format!("$run sh -c '{loop_}'\n"));
        let mut shown = vec![terminal.wait_for("begun\r\n")];
        for _ in 0..3 {
            terminal.keys("\u{1a}");
            shown.push(terminal.wait_for(PROMPT));
            shown.push(terminal.line("jobs"));
            terminal.keys("fg\n");
            shown.push(terminal.wait_for("done'\r\n"));
            terminal.keys("more\n");
            shown.push(terminal.wait_for("got more\r\n"));
        }
        terminal.keys("end\n");
        shown.push(terminal.wait_for(PROMPT));
        shown.push(terminal.line("echo status $?"));
        shown
    });
}

#[test]
fn a_background_job_that_reads_is_stopped() {
    compare(|terminal| {
        terminal.keys("$run sh -c 'read line; echo read $line; exit 4' & sleep 0.3; jobs\n");
        // The process ID differs.
        terminal.wait_for("Stopped");
        let mut shown = vec![terminal.wait_for(PROMPT)];
        terminal.keys("fg\n");
        shown.push(terminal.wait_for("exit 4'\r\n"));
        terminal.keys("words\n");
        shown.push(terminal.wait_for(PROMPT));
        shown.push(terminal.line("echo status $?"));
        shown
    });
}

#[test]
fn a_command_that_ignores_the_stop_goes_on() {
    compare(|terminal| {
        terminal.keys("$run sh -c 'trap \"\" TSTP; echo begun; read line; echo read $line'\n");
        let mut shown = vec![terminal.wait_for("begun\r\n")];
        terminal.keys("\u{1a}words\n");
        shown.push(terminal.wait_for(PROMPT));
        shown.push(terminal.line("echo status $?"));
        shown
    });
}

#[test]
fn the_terminal_is_the_commands() {
    compare(|terminal| {
        let mut shown = Vec::new();
        for line in [
            "$run sh -c 'test -t 0 && test -t 1 && test -t 2 && echo a terminal'",
            "$run stty -a | grep -o 'rows.*columns [0-9]*'",
            "$run sh -c 'stty -echo; stty -a | grep -o .echo\\ '; stty echo",
            "$run sh -c 'for i in $(seq 5000); do echo line $i; done' | cksum",
            "$run seq 3000",
            "$run sh -c 'echo to the terminal > /dev/tty'",
            "$run sh -c 'ps -o pgid= -p $$ | tr -d \" \" | grep -qx $(ps -o tpgid= -p $$ | tr -d \" \") && echo foreground'",
            "$run true | $run cat; echo ${PIPESTATUS[*]}",
            "$run yes | head -n 1; echo ${PIPESTATUS[*]}",
            "$run sh -c 'kill -KILL $$'; echo status $?",
        ] {
            // A shell that was killed is shown with its process ID.
            shown.push(terminal.line(line).replace(char::is_numeric, "0"));
        }
        shown
    });
}

#[test]
fn the_size_of_the_terminal_is_told() {
    compare(|terminal| {
        let script = "trap \"echo changed; stty size; exit 3\" WINCH; echo begun; while :; do sleep 0.05; done";
        terminal.keys(&format!("$run sh -c '{script}'\n"));
        let mut shown = vec![terminal.wait_for("begun\r\n")];
        let size = Winsize { ws_row: 33, ws_col: 99, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(terminal.keyboard.as_ref().expect("it is open"), size).expect("it is set");
        shown.push(terminal.wait_for(PROMPT));
        shown.push(terminal.line("echo status $?"));
        shown
    });
}

#[test]
fn a_closed_terminal_ends_it_and_is_told() {
    let gateway = OurGateway::start(&[]);
    let run =
        format!("{} run --gateway {} --job closed --", env!("CARGO_BIN_EXE_prompush"), gateway.url);
    let mut terminal = Terminal::start(&run);
    terminal.keys("$run sh -c 'echo begun; exec sleep 60'\n");
    terminal.wait_for("begun\r\n");
    wait_until(WAIT_MAX, "the start is told", || {
        exposed(&gateway.url, "job_running{").iter().any(|line| line.ends_with(" 1"))
    });
    // As when a terminal's window is closed: the shell gets SIGHUP, its jobs get it from the shell.
    terminal.shell.signal(Signal::HUP);
    wait_until(WAIT_MAX, "the end is told", || {
        let code = exposed(&gateway.url, "job_exit_code{");
        code.iter().any(|line| line.ends_with(" 129"))
    });
}
