//! A push that the gateway did not accept is kept and sent later, whatever the disk, the clock or a signal does.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use prompush_testing::free_address;
use serde_json::Value;
use tempfile::tempdir;

use crate::support::{OurGateway, Process, WAIT_MAX, exposed, prompush, run, run_command};

fn dead() -> String {
    format!("http://{}", free_address())
}

/// Arguments of a push that does not wait long for a dead gateway.
fn push<'a>(url: &'a str, spool: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let push = ["push", "--job", "x", "--gateway", url, "--spool", spool, "--timeout", "300ms"];
    [&push[..], more].concat()
}

fn listed(spool: &str) -> Vec<Value> {
    let done = run(&["spool", "list", "--json", "--spool", spool], "").expect_code(0);
    let list: Value = serde_json::from_str(&done.stdout).expect("it is JSON");
    list.as_array().expect("an array").clone()
}

#[test]
fn what_could_not_be_pushed_is_kept_listed_sent_and_gone() {
    let dir = tempdir().unwrap();
    let spool = dir.path().join("spool").display().to_string();
    let address = free_address();
    let url = format!("http://{address}");
    let done = run(&push(&url, &spool, &["--group", "instance=i"]), "a 1").expect_code(69);
    assert!(done.stderr.contains(&format!("; kept in the spool `{spool}`")), "{}", done.stderr);
    let hint = format!("`prompush spool flush --spool {spool}` sends the stored push");
    assert!(done.stderr.contains(&hint), "{}", done.stderr);
    run(&push(&url, &spool, &["--group", "instance=i", "--add"]), "b 2").expect_code(69);
    let kept = listed(&spool);
    assert_eq!(kept.len(), 1);
    assert_eq!((&kept[0]["verb"], &kept[0]["families"]), (&"push".into(), &2.into()));
    assert_eq!(kept[0]["labels"]["instance"], "i");
    assert_eq!((&kept[0]["url"], &kept[0]["fault"]), (&url.clone().into(), &Value::Null));
    assert!(kept[0]["age_seconds"].as_f64().unwrap() < 60.0);
    let table = run(&["spool", "list", "--spool", &spool], "").expect_code(0).stdout;
    assert!(table.contains("GATEWAY") && table.contains("{job=\"x\",instance=\"i\"}"), "{table}");

    let _gateway = OurGateway::start(&[&format!("--web.listen-address={address}")]);
    let flush = ["spool", "flush", "--spool", &spool, "--timeout", "5s"];
    let done = run(&flush, "").expect_code(0);
    assert_eq!(done.stdout, format!("{{job=\"x\",instance=\"i\"}} at {url}\n"));
    assert_eq!(exposed(&url, "a{"), ["a{instance=\"i\",job=\"x\"} 1"]);
    assert_eq!(exposed(&url, "b{"), ["b{instance=\"i\",job=\"x\"} 2"]);
    assert!(listed(&spool).is_empty());
    let done = run(&flush, "").expect_code(0);
    assert_eq!(done.stderr, format!("no file in the spool `{spool}`\n"));
    for command in ["list", "flush"] {
        let done = run(&["spool", command, "--spool", "mistyped"], "").expect_code(0);
        let expected = "no file in the spool `mistyped`: the directory does not exist\n";
        assert_eq!(done.stderr, expected, "{command}");
    }
}

#[test]
fn a_later_push_sends_what_else_is_kept_and_replaces_its_own() {
    let dir = tempdir().unwrap();
    let spool = dir.path().display().to_string();
    let address = free_address();
    let url = format!("http://{address}");
    run(&push(&url, &spool, &["--group", "run=1"]), "a 1").expect_code(69);
    run(&push(&url, &spool, &["--group", "run=2"]), "a 2").expect_code(69);
    run(&push(&url, &spool, &["--group", "run=3"]), "a 3").expect_code(69);
    assert_eq!(listed(&spool).len(), 3);
    let gateway = OurGateway::start(&[&format!("--web.listen-address={address}")]);
    // Pushed since, by somebody who knows nothing of the spool.
    let plain = ["push", "--job", "x", "--group", "run=2", "--gateway", &url];
    run(&plain, "a 20").expect_code(0);
    let mut command = prompush(&["push", "--job", "x", "--group", "run=3", "--gateway", &url]);
    let done = run_command(command.env("PROMPUSH_SPOOL", &spool), "a 30").expect_code(0);
    let values = exposed(&url, "a{");
    assert_eq!(values.len(), 3);
    for (run, value) in [("1", "1"), ("2", "20"), ("3", "30")] {
        let line = format!("a{{instance=\"\",job=\"x\",run=\"{run}\"}} {value}");
        assert!(values.contains(&line), "{values:?}");
    }
    let dropped = "removed the file of {job=\"x\",run=\"2\"} at ";
    assert!(
        done.stderr.contains(dropped)
            && done.stderr.contains("the group was pushed after the file was made"),
        "{}",
        done.stderr
    );
    assert!(listed(&spool).is_empty());
    drop(gateway);
}

#[test]
fn a_deletion_is_kept_too() {
    let dir = tempdir().unwrap();
    let spool = dir.path().display().to_string();
    let url = dead();
    let delete =
        ["delete", "--job", "x", "--gateway", &url, "--spool", &spool, "--timeout", "300ms"];
    let done = run(&delete, "").expect_code(69);
    assert!(done.stderr.contains("stored the deletion in the spool"), "{}", done.stderr);
    assert_eq!(listed(&spool)[0]["verb"], "delete");
    // Globs cannot be kept: which groups match is not known.
    let glob =
        ["delete", "--job", "y*", "--gateway", &url, "--spool", &spool, "--timeout", "100ms"];
    run(&glob, "").expect_code(69);
    assert_eq!(listed(&spool).len(), 1);
}

#[test]
fn what_is_kept_can_be_dropped() {
    let dir = tempdir().unwrap();
    let spool = dir.path().display().to_string();
    let url = dead();
    run(&push(&url, &spool, &[]), "a 1").expect_code(69);
    run(&push(&url, &spool, &["--group", "a=1"]), "a 1").expect_code(69);
    fs::write(dir.path().join("0000000000000000.spool"), "not ours").unwrap();
    run(&["spool", "drop", "--spool", &spool], "").expect_code(2);
    let drop = |more: &[&str]| run(&[&["spool", "drop", "--spool", &spool], more].concat(), "");
    let done = drop(&["--job", "x", "--group", "a=*", "--dry-run"]).expect_code(0);
    assert!(done.stdout.ends_with(" {job=\"x\",a=\"1\"}\n"), "{}", done.stdout);
    assert_eq!(listed(&spool).len(), 3);
    drop(&["--job", "x", "--group", "a=*"]).expect_code(0);
    assert_eq!(listed(&spool).len(), 2);
    let faults = listed(&spool).into_iter().filter(|entry| entry["fault"].is_string()).count();
    assert_eq!(faults, 1);
    let done = run(&["spool", "flush", "--spool", &spool, "--timeout", "100ms"], "");
    assert_eq!(done.code, Some(69), "{done:?}");
    assert!(done.stderr.contains("it is not a spooled state"), "{}", done.stderr);
    drop(&["--all"]).expect_code(0);
    assert!(listed(&spool).is_empty());
}

#[test]
fn no_spool_is_a_usage_error() {
    let done = run(&["spool", "list"], "").expect_code(2);
    assert!(done.stderr.contains("PROMPUSH_SPOOL"), "{}", done.stderr);
}

/// The states of both groups, each `a <number>`, as the spool holds them.
fn kept_numbers(dir: &Path) -> Vec<u32> {
    let entries = prompush::Spool::new(dir).entries().expect("a readable spool");
    let mut numbers = Vec::new();
    for entry in &entries {
        assert_eq!(entry.fault(), None, "{entry:?}");
        let bytes = fs::read(entry.file()).expect("a file");
        let text = String::from_utf8_lossy(&bytes);
        let line = text.lines().find_map(|line| line.strip_prefix("a ")).expect("its sample");
        numbers.push(line.parse().expect("a number"));
    }
    numbers
}

#[test]
#[expect(clippy::disallowed_methods, reason = "how long a run takes is measured from outside")]
fn a_killed_process_leaves_the_old_state_or_the_new_one() {
    const RUNS: u32 = 80;
    let (dir, bodies) = (tempdir().unwrap(), tempdir().unwrap());
    let spool = dir.path().display().to_string();
    let url = dead();
    let quick = ["push", "--job", "x", "--gateway", &url, "--spool", &spool, "--timeout", "1ms"];
    let start = Instant::now();
    run(&quick, "a 0").expect_code(69);
    let whole = start.elapsed();
    let many = (0..2000).map(|n| format!("b{{n=\"{n}\"}} 1\n")).collect::<Vec<_>>().concat();
    let mut before = 0;
    // Some that are killed ever later in their short lives, and a last one that is not.
    for number in 1..=RUNS {
        let body = bodies.path().join("body.prom");
        fs::write(&body, format!("{many}a {number}\n")).unwrap();
        let mut command = prompush(&quick);
        command.arg(&body).stdin(Stdio::null()).stderr(Stdio::null());
        let mut child = Process(command.spawn().expect("the binary starts"));
        if number < RUNS {
            wait_a_moment(whole.mul_f64(1.5 * f64::from(number) / f64::from(RUNS)));
            child.0.kill().ok();
        }
        let status = child.wait(WAIT_MAX);
        let [now] = kept_numbers(dir.path())[..] else { panic!("one state is kept") };
        assert!(now == before || now == number, "{now} is neither {before} nor {number}");
        assert!(status.code().is_none() || now == number, "what has ended has kept its state");
        before = now;
    }
    assert_eq!(before, RUNS);
}

/// The moment is what is tested here.
fn wait_a_moment(moment: Duration) {
    let (_sender, nothing) = std::sync::mpsc::channel::<()>();
    nothing.recv_timeout(moment).ok();
}

/// Runs a shell script as root of a mount namespace of its own; `None` where that is not allowed. `$DISK` is an empty
/// folder for the script to mount a file system on: a mount over a folder that exists could hide the program.
fn in_own_mounts(disk: &Path, script: &str) -> Option<crate::support::Run> {
    let unshare = |script: &str| {
        let mut command = Command::new("unshare");
        command.args(["--mount", "--map-root-user", "sh", "-euc", script]).env("DISK", disk);
        command.env("PROMPUSH", env!("CARGO_BIN_EXE_prompush")).env("NO_PROXY", "127.0.0.1");
        command
    };
    let probe = unshare("mount -t tmpfs none $DISK").stderr(Stdio::null()).status();
    if !probe.is_ok_and(|status| status.success()) {
        // Past the capture of the test harness.
        writeln!(std::io::stderr(), "skipped: no mount namespace of one's own").ok();
        return None;
    }
    Some(run_command(&mut unshare(script), ""))
}

#[test]
fn a_full_disk_is_named_and_what_was_kept_stays() {
    let (url, disk) = (dead(), tempdir().unwrap());
    let script = format!(
        "mount -t tmpfs -o size=64k none $DISK
        push() {{ $PROMPUSH push --job $1 --spool $DISK/spool --timeout 50ms --gateway {url} || echo $?; }}
        echo 'a 1' | push small
        seq 20000 | sed 's/.*/b{{n=\"&\"}} 1/' | push large
        seq 20000 | sed 's/.*/b{{n=\"&\"}} 1/' | push small
        echo 'a 2' | push other
        $PROMPUSH spool list --json --spool $DISK/spool"
    );
    let Some(done) = in_own_mounts(disk.path(), &script) else { return };
    let (codes, list) = done.stdout.split_at(12);
    assert_eq!(codes, "69\n69\n69\n69\n", "{done:#?}");
    let list: Value = serde_json::from_str(list).expect("it is JSON");
    let kept: Vec<_> = list.as_array().unwrap().iter().map(|it| &it["labels"]["job"]).collect();
    assert_eq!(kept.len(), 2, "{list}");
    assert!(kept.contains(&&"small".into()) && kept.contains(&&"other".into()), "{list}");
    assert!(list.as_array().unwrap().iter().all(|it| it["families"] == 1 && it["fault"].is_null()));
    let words =
        format!("and not kept in the spool: cannot write `{}/spool/", disk.path().display());
    assert_eq!(done.stderr.matches(&words).count(), 2, "{}", done.stderr);
    assert!(done.stderr.contains("No space left on device"), "{}", done.stderr);
    assert!(done.stderr.contains("make room there"), "{}", done.stderr);
}

#[test]
fn a_directory_that_is_read_only_is_named() {
    let (url, disk) = (dead(), tempdir().unwrap());
    let script = format!(
        "mount -t tmpfs none $DISK; mkdir $DISK/spool; mount -o remount,ro $DISK
        echo 'a 1' | $PROMPUSH push --job x --spool $DISK/spool --timeout 50ms --gateway {url} || echo $?"
    );
    let Some(done) = in_own_mounts(disk.path(), &script) else { return };
    assert_eq!(done.stdout, "69\n", "{done:#?}");
    let words = format!(
        "and not kept in the spool: cannot write `{}/spool/.lock`: Read-only file system",
        disk.path().display()
    );
    assert!(done.stderr.contains(&words), "{}", done.stderr);
    assert!(done.stderr.contains("that this user may write to"), "{}", done.stderr);
}

#[test]
fn a_push_that_is_ended_while_it_tries_again_has_kept_its_state() {
    let dir = tempdir().unwrap();
    let spool = dir.path().join("spool").display().to_string();
    let url = dead();
    let mut command =
        prompush(&["push", "--job", "x", "--gateway", &url, "--spool", &spool, "--timeout", "1h"]);
    let mut child = Process(command.stdin(Stdio::piped()).spawn().expect("it starts"));
    child.0.stdin.take().unwrap().write_all(b"a 1\n").unwrap();
    let file = || {
        fs::read_dir(&spool).is_ok_and(|mut dir| {
            dir.any(|entry| entry.is_ok_and(|e| e.path().extension().is_some_and(|s| s == "spool")))
        })
    };
    prompush_testing::wait_for(WAIT_MAX, "the state to be kept", || file().then_some(()));
    child.0.kill().unwrap();
    assert_eq!(listed(&spool)[0]["labels"]["job"], "x");
}
