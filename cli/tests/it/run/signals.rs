//! Signals to `prompush run` alone, and to its whole group.

use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{ChildStdout, Command, Stdio};

use prompush_testing::{Answer, ScriptedServer, wait_until, wrap};
use rustix::process::{Pid, Signal};

use crate::support::{OurGateway, Process, WAIT_MAX, exposed, wrapped};

/// A wrapped script that has said it is ready.
struct Running {
    process: Process,
    stdout: BufReader<ChildStdout>,
    /// The process ID of the command.
    command: i32,
}

impl Running {
    /// `script` has to print its process ID first.
    #[track_caller]
    fn start(url: &str, options: &[&str], script: &str) -> Self {
        let mut command = wrapped(url, options, script);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).process_group(0);
        let mut process = Process(command.spawn().expect("it starts"));
        let mut stdout = BufReader::new(process.0.stdout.take().expect("it is piped"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("it says its process ID");
        Self { process, stdout, command: line.trim().parse().expect("a process ID") }
    }

    /// The rest of the output, and the exit status.
    #[track_caller]
    fn end(mut self) -> (String, std::process::ExitStatus) {
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).expect("UTF-8");
        (rest, self.process.wait(WAIT_MAX))
    }

    fn signal_command(&self, signal: Signal) {
        let pid = Pid::from_raw(self.command).expect("a process ID");
        rustix::process::kill_process(pid, signal).expect("it is there");
    }

    /// Waits until the wrapper is ready for the next signal to its group.
    #[track_caller]
    fn wait_for_probe(&self) {
        let children = format!("/proc/{0}/task/{0}/children", self.process.0.id());
        wait_until(WAIT_MAX, "there is a new probe", || {
            let children = std::fs::read_to_string(&children).unwrap_or_default();
            let mut children = children.split_whitespace().filter_map(|pid| pid.parse().ok());
            children
                .any(|pid: u32| pid.cast_signed() != self.command && try_state(pid) == Some('S'))
        });
    }

    /// The state of the wrapper, as `ps` shows it.
    fn state(&self) -> char {
        state(self.process.0.id())
    }
}

fn state(pid: u32) -> char {
    try_state(pid).expect("it is there, and has a state")
}

/// `None` for a process that has ended: a probe may end between the list of children and this look.
fn try_state(pid: u32) -> Option<char> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next())
}

/// Counts the signals of that name until it gets SIGUSR1 or SIGUSR2, whichever is not counted.
fn counting(name: &str) -> String {
    let end = if name == "USR1" { "USR2" } else { "USR1" };
    format!(
        "n=0; trap 'n=$((n + 1)); echo {name}' {name}; trap 'echo $n; exit 5' {end}; echo $$; \
         while :; do sleep 0.05; done"
    )
}

/// Sends each signal twice, and checks that the command has counted two.
#[track_caller]
fn check_that_each_is_counted_once(send: impl Fn(&Running, Signal)) {
    let gateway = OurGateway::start(&[]);
    for (name, signal) in [
        ("TERM", Signal::TERM),
        ("HUP", Signal::HUP),
        ("INT", Signal::INT),
        ("QUIT", Signal::QUIT),
        ("USR1", Signal::USR1),
        ("USR2", Signal::USR2),
        ("ALRM", Signal::ALARM),
        ("XCPU", Signal::XCPU),
    ] {
        let mut running = Running::start(&gateway.url, &["--job", "x"], &counting(name));
        for _ in 0..2 {
            send(&running, signal);
            let mut line = String::new();
            running.stdout.read_line(&mut line).expect("it says so");
            assert_eq!(line.trim(), name);
        }
        running.process.signal(if name == "USR1" { Signal::USR2 } else { Signal::USR1 });
        let (rest, status) = running.end();
        assert_eq!((rest.trim(), status.code()), ("2", Some(5)), "{name}");
    }
}

#[test]
fn a_signal_to_it_alone_reaches_the_command_once() {
    check_that_each_is_counted_once(|running, signal| running.process.signal(signal));
}

/// As a shell without job control, a supervisor or `kill -- -GROUP` sends it.
#[test]
fn a_signal_to_the_whole_group_reaches_the_command_once() {
    check_that_each_is_counted_once(|running, signal| {
        running.wait_for_probe();
        let group = Pid::from_child(&running.process.0);
        rustix::process::kill_process_group(group, signal).expect("it is there");
    });
}

#[test]
fn a_change_of_the_terminals_size_is_passed_on() {
    let gateway = OurGateway::start(&[]);
    let mut running = Running::start(&gateway.url, &["--job", "x"], &counting("WINCH"));
    running.process.signal(Signal::WINCH);
    let mut line = String::new();
    running.stdout.read_line(&mut line).expect("it says so");
    assert_eq!(line, "WINCH\n");
}

#[test]
fn a_command_that_dies_of_it_takes_the_wrapper_along() {
    let gateway = OurGateway::start(&[]);
    for signal in [Signal::TERM, Signal::HUP, Signal::INT, Signal::USR1, Signal::ALARM] {
        let running = Running::start(&gateway.url, &["--job", "dies"], "echo $$; exec sleep 60");
        running.process.signal(signal);
        let (_, status) = running.end();
        assert_eq!(status.signal(), Some(signal.as_raw()));
        let code = exposed(&gateway.url, "job_exit_code{");
        assert!(code[0].ends_with(&format!(" {}", 128 + signal.as_raw())), "{code:?}");
    }
    let running = Running::start(&gateway.url, &["--job", "dies"], "echo $$; exec sleep 60");
    running.signal_command(Signal::KILL);
    assert_eq!(running.end().1.signal(), Some(9));
    assert_eq!(exposed(&gateway.url, "job_exit_code{")[0].rsplit(' ').next(), Some("137"));
    assert_eq!(exposed(&gateway.url, "job_running{")[0].rsplit(' ').next(), Some("0"));
}

#[test]
fn a_signal_that_few_know_ends_both() {
    let gateway = OurGateway::start(&[]);
    for signal in [16, 29, 30, 35, 64] {
        let mut command = wrapped(&gateway.url, &["--job", "x"], &format!("kill -{signal} $$"));
        let status = command.status().expect("it is run");
        assert_eq!(status.signal(), Some(signal));
    }
}

#[test]
fn a_signal_without_a_name_is_passed_on() {
    let gateway = OurGateway::start(&[]);
    let script =
        "exec bash -c 'trap \"echo got; exit 5\" RTMIN+1; echo $$; while :; do sleep 0.05; done'";
    let running = Running::start(&gateway.url, &["--job", "x"], script);
    let id = running.process.0.id();
    let kill = format!("kill -s RTMIN+1 {id}");
    std::process::Command::new("bash").args(["-c", &kill]).status().expect("bash is there");
    let (rest, status) = running.end();
    assert_eq!((rest.as_str(), status.code()), ("got\n", Some(5)));
}

#[test]
fn a_wrapper_that_is_killed_takes_the_command_along() {
    let gateway = OurGateway::start(&[]);
    let running = Running::start(&gateway.url, &["--job", "x"], "echo $$; exec sleep 60");
    let command = running.command;
    running.process.signal(Signal::KILL);
    assert_eq!(running.end().1.signal(), Some(9));
    wait_until(WAIT_MAX, "the command is gone", || {
        // What nobody has waited for yet is as good as gone.
        std::fs::read_to_string(format!("/proc/{command}/stat"))
            .map_or(true, |stat| stat.contains(") Z ") || stat.contains(") X "))
    });
}

#[test]
fn a_command_that_ignores_it_goes_on() {
    let gateway = OurGateway::start(&[]);
    let script = "trap '' TERM HUP INT; echo $$; read line < /dev/null; sleep 0.3; echo done";
    let running = Running::start(&gateway.url, &["--job", "x"], script);
    for signal in [Signal::TERM, Signal::HUP, Signal::INT] {
        running.process.signal(signal);
    }
    let (rest, status) = running.end();
    assert_eq!((rest.as_str(), status.code()), ("done\n", Some(0)));
}

#[test]
fn what_the_command_does_to_its_group_does_not_come_back() {
    let gateway = OurGateway::start(&[]);
    let script = "n=0; trap 'n=$((n + 1))' TERM; echo $$; kill -TERM 0; sleep 0.3; echo $n";
    let running = Running::start(&gateway.url, &["--job", "x"], script);
    assert_eq!(running.end().0, "1\n");
}

#[test]
fn it_is_stopped_and_continued_by_way_of_it() {
    let gateway = OurGateway::start(&[]);
    let running = Running::start(&gateway.url, &["--job", "x"], "echo $$; sleep 0.5; echo end");
    let command = u32::try_from(running.command).expect("a process ID");
    // Sent to the wrapper alone; its group is not a shell's, so only the command stops.
    running.process.signal(Signal::TSTP);
    wait_until(WAIT_MAX, "the command stops", || state(command) == 'T');
    running.process.signal(Signal::CONT);
    wait_until(WAIT_MAX, "it goes on", || running.state() != 'T');
    let (rest, status) = running.end();
    assert_eq!((rest.as_str(), status.code()), ("end\n", Some(0)));
}

#[test]
fn a_signal_ends_the_wait_for_the_gateway() {
    let hanging = ScriptedServer::start([Answer::Hang]);
    let options = ["--job", "x", "--deadline", "1h"];
    let running = Running::start(&hanging.url(), &options, "echo $$; exit 6");
    let id = running.process.0.id();
    let command = running.command;
    wait_until(WAIT_MAX, "the command ends", || {
        !std::path::Path::new(&format!("/proc/{command}")).exists()
    });
    wait_until(WAIT_MAX, "the last push waits", || state(id) == 'S');
    running.process.signal(Signal::TERM);
    assert_eq!(running.end().1.code(), Some(6));
}

#[test]
fn the_end_of_the_command_is_noticed_amid_a_storm_of_signals() {
    let gateway = ScriptedServer::start([Answer::status(200).keep_alive()]);
    let script = "trap 'kill $!; exit 6' TERM; echo $$; sleep 1000 & wait";
    let running = Running::start(&gateway.url(), &[], script);
    // SIGTERM has a lower number than SIGCHLD, so the queue of the wrapper always holds a signal before SIGCHLD.
    let storm = format!("while kill -TERM {} 2> /dev/null; do :; done", running.process.0.id());
    let storm = Command::new("sh").args(["-c", &storm]).spawn().expect("it starts");
    let storm = Process(storm);
    let (_, status) = running.end();
    assert!([Some(6), None].contains(&status.code()), "{status:?}");
    drop(storm);
}

#[test]
fn an_alarm_that_was_set_before_reaches_the_command() {
    let gateway = OurGateway::start(&[]);
    let mut perl = std::process::Command::new("perl");
    perl.args(["-e", "alarm 1; exec @ARGV or die"]);
    let mut command = wrap(perl, &wrapped(&gateway.url, &["--job", "x"], "exec sleep 60"));
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let mut process = Process(command.spawn().expect("perl starts"));
    assert_eq!(process.wait(WAIT_MAX).signal(), Some(14));
}
