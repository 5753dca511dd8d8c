//! Each scenario is run bare and wrapped: what a caller sees of it has to be the same.

use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};

use prompush_testing::{in_pid_namespace, wrap};

use crate::support::{OurGateway, Process, WAIT_MAX, bare, run_command, wrapped};

/// How a command ended, and what it wrote.
#[track_caller]
fn outcome(mut command: Command, stdin: &str) -> (Option<i32>, Option<i32>, String, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("stdin");
    std::fs::write(&path, stdin).expect("it is written");
    command.stdin(std::fs::File::open(path).expect("it is there"));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = command.output().expect("it runs");
    (
        output.status.code(),
        output.status.signal(),
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

#[test]
fn endings_and_output_are_the_same() {
    let gateway = OurGateway::start(&[]);
    let check = |script: &str, stdin: &str| {
        let expected = outcome(bare(script), stdin);
        assert_eq!(outcome(wrapped(&gateway.url, &[], script), stdin), expected, "{script}");
    };
    for code in [0, 1, 2, 77, 126, 127, 128, 143, 255] {
        check(&format!("exit {code}"), "");
    }
    for signal in ["HUP", "INT", "KILL", "USR1", "USR2", "PIPE", "ALRM", "TERM", "XCPU", "PROF"] {
        check(&format!("kill -{signal} $$"), "");
    }
    check("ulimit -c 0; kill -SEGV $$", "");
    check("ulimit -c 0; kill -ABRT $$", "");
    check("ulimit -c 0; kill -QUIT $$", "");
    check("cat; echo error >&2", "one\ntwo\n");
    check("head -c 3", "one\ntwo\n");
    check("no-such-program", "");
    check("yes | head -n 100000", "");
    check("sleep 0.02", "");
}

/// In a container the session, the group and the parent are often outside, where no process ID leads; and the wrapper
/// may be the first process, which no signal ends.
#[test]
fn endings_are_the_same_in_a_container() {
    let gateway = OurGateway::start(&[]);
    let check = |is_first: bool, script: &str, expected: i32| {
        let mut command = wrapped(&gateway.url, &[], script);
        if !is_first {
            let mut outer = Command::new("sh");
            outer.args(["-c", "\"$@\"; exit $?", "sh"]);
            command = wrap(outer, &command);
        }
        let Some(command) = in_pid_namespace(&command) else { return };
        let expected = (Some(expected), None, "done\n".to_owned(), String::new());
        assert_eq!(outcome(command, ""), expected, "first: {is_first}, {script}");
    };
    for is_first in [true, false] {
        check(is_first, "echo done", 0);
        check(is_first, "echo done; exit 3", 3);
    }
    for (name, number) in [("TERM", 15), ("KILL", 9), ("USR1", 10)] {
        check(true, &format!("echo done; kill -{name} $$"), 128 + number);
    }
}

#[test]
fn the_command_finds_the_world_as_it_is() {
    let gateway = OurGateway::start(&[]);
    let check = |before: &str, script: &str| {
        let run = |command: Command| {
            // Arguments reach `sh` by `$0` and `$@`, whatever is in them.
            let mut outer = Command::new("bash");
            outer.args(["-c", &format!("{before}; \"$0\" \"$@\"; exit $?")]);
            let mut outer = wrap(outer, &command);
            outer.env("NO_PROXY", "127.0.0.1").env_remove("PUSHGATEWAY_URL");
            outcome(outer, "in")
        };
        let expected = run(bare(script));
        assert!(!expected.2.is_empty(), "{script} prints something: {expected:?}");
        assert_eq!(run(wrapped(&gateway.url, &[], script)), expected, "{before}; {script}");
    };
    let signals = "grep ^Sig /proc/self/status | grep -v SigQ";
    check(":", signals);
    check("trap '' HUP", signals);
    check("trap '' PIPE", signals);
    check("trap '' INT QUIT TERM USR1 TSTP", signals);
    check(":", "env | grep -v '^PROMPUSH_' | grep -v '^_=' | sort");
    check("umask 027", "umask");
    check("ulimit -n 100; ulimit -c 0; ulimit -s 4096", "cat /proc/self/limits");
    check(
        "exec 7</dev/null 9>/dev/null",
        "cd /proc/$$/fd; for fd in *; do [ $fd -gt 9 ] || echo $fd $(readlink $fd | sed 's/[0-9].*//; s/tmp.*/tmp/'); done",
    );
    check("cd /usr/bin", "pwd");
    // Process group, session, terminal and its group.
    check(
        ":",
        "cut -d' ' -f5,6,7,8 /proc/$PPID/stat > /dev/null; echo $(($(cut -d' ' -f5 /proc/$$/stat) == $(cut -d' ' -f5 /proc/$PPID/stat)))",
    );
    check("renice -n 3 $$ > /dev/null", "nice");
}

#[test]
fn a_descendant_does_not_hold_it() {
    let gateway = OurGateway::start(&[]);
    // The descendant has stdout and stderr, and lives on.
    let script = "sleep 60 & echo $!";
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("out");
    let mut command = wrapped(&gateway.url, &[], script);
    let out = std::fs::File::create(&path).expect("a file");
    command.stdin(Stdio::null()).stdout(out.try_clone().expect("a second handle")).stderr(out);
    let mut process = Process(command.spawn().expect("it starts"));
    let status = process.wait(WAIT_MAX);
    let text = std::fs::read_to_string(path).expect("it wrote its process ID");
    let pid: i32 = text.trim().parse().expect("a number");
    let pid = rustix::process::Pid::from_raw(pid).expect("a process ID");
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("it is still there");
    assert_eq!(status.code(), Some(0));
}

#[test]
fn a_script_without_an_interpreter_is_run() {
    let gateway = OurGateway::start(&[]);
    let folder = tempfile::tempdir().expect("a folder");
    let script = folder.path().join("script");
    std::fs::write(&script, "echo \"$1\"; exit 9\n").expect("it is written");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&script, mode).expect("it is ours");
    let mut path = folder.path().as_os_str().to_owned();
    path.push(":/usr/bin:/bin");
    for name in [script.to_str().expect("UTF-8"), "script"] {
        let mut command = crate::support::prompush(&["run", "--gateway", &gateway.url]);
        command.args(["--", name, "word"]).env("PATH", &path);
        let done = run_command(&mut command, "").expect_code(9);
        assert_eq!(done.stdout, "word\n", "{done:?}");
    }
}
