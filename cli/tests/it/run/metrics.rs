//! The metrics on the gateway after a run.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use prompush_testing::{Answer, Pushgateway, ScriptedServer, Version, free_address, wait_for};

use crate::support::{
    OurGateway, Process, WAIT_MAX, exposed, for_each_gateway, prompush, run_command, wrapped,
};

/// The value of the series that begins like that.
#[track_caller]
fn value(url: &str, series: &str) -> Option<f64> {
    let lines = exposed(url, series);
    let values: Vec<&str> =
        lines.iter().filter_map(|line| line.strip_prefix(series)?.strip_prefix(' ')).collect();
    assert!(values.len() <= 1, "{series} in {lines:#?}");
    values.first().map(|value| value.parse().expect("a number"))
}

fn now() -> f64 {
    #[expect(clippy::disallowed_methods, reason = "times of the real world are compared")]
    let now = SystemTime::now();
    now.duration_since(UNIX_EPOCH).expect("it is after 1970").as_secs_f64()
}

#[test]
fn a_run_is_told_in_full() {
    for_each_gateway(|url| {
        let options = ["--job", "full", "--group", "instance=i", "--every", "1h", "--ttl", "2h"];
        let before = now();
        let script = "i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done; sleep 0.1";
        run_command(&mut wrapped(url, &options, script), "").expect_code(0);
        let value = |name: &str| value(url, &format!("{name}{{instance=\"i\",job=\"full\"}}"));
        for (name, expected) in [
            ("job_exit_code", 0.0),
            ("job_success", 1.0),
            ("job_running", 0.0),
            ("job_expected_interval_seconds", 3600.0),
            ("push_ttl_seconds", 7200.0),
            ("prompush_textfile_error", 0.0),
        ] {
            assert_eq!(value(name), Some(expected), "{name}");
        }
        let time = |name: &str| value(name).expect(name);
        let (start, end) = (
            time("job_last_start_timestamp_seconds"),
            time("job_last_completion_timestamp_seconds"),
        );
        assert!(before - 0.01 < start && start < end && end < now() + 0.01, "{start} {end}");
        assert_eq!(value("job_last_success_timestamp_seconds"), Some(end));
        let duration = time("job_duration_seconds");
        assert!(duration >= 0.1 && (duration - (end - start)).abs() < 0.05, "{duration}");
        let cpu = exposed(url, "job_cpu_seconds{");
        assert_eq!(cpu.len(), 2, "{cpu:?}");
        assert!(time("job_max_resident_memory_bytes") > 100_000.0);
        assert_eq!(exposed(url, "# HELP job_").len(), 10);
    });
}

#[test]
fn a_failure_keeps_the_last_success() {
    for_each_gateway(|url| {
        let options = ["--job", "x", "--group", "instance="];
        let run = |script: &str, code: i32| {
            run_command(&mut wrapped(url, &options, script), "").expect_code(code)
        };
        let value = |name: &str| value(url, &format!("{name}{{instance=\"\",job=\"x\"}}"));
        run("exit 3", 3);
        assert_eq!(value("job_last_success_timestamp_seconds"), None);
        assert_eq!(value("job_exit_code"), Some(3.0));
        run("exit 0", 0);
        let success = value("job_last_success_timestamp_seconds").expect("there is one now");
        run("exit 4", 4);
        assert_eq!(value("job_last_success_timestamp_seconds"), Some(success));
        assert_eq!(value("job_success"), Some(0.0));
        assert!(value("job_last_completion_timestamp_seconds").expect("it ended") > success);
    });
}

#[test]
fn what_cannot_be_run_is_told_too() {
    let gateway = OurGateway::start(&[]);
    let run = |program: &str| {
        let mut command = prompush(&["run", "--gateway", &gateway.url, "--group", "instance="]);
        run_command(command.args(["--job", "x", "--", program]), "")
    };
    let code = || value(&gateway.url, "job_exit_code{instance=\"\",job=\"x\"}");
    let done = run("no-such-program").expect_code(127);
    assert_eq!(code(), Some(127.0));
    assert!(done.stderr.starts_with("error: cannot run `no-such-program`\n  cause: "), "{done:?}");
    run("/etc/passwd").expect_code(126);
    assert_eq!(code(), Some(126.0));
    run("/etc").expect_code(126);
    run("").expect_code(127);
    run("/etc/passwd/x").expect_code(126);
}

#[test]
fn the_start_is_told_while_it_runs() {
    let gateway = OurGateway::start(&[]);
    let running = "job_running{instance=\"\",job=\"x\"}";
    // The command itself sees it.
    let script = format!(
        "for i in $(seq 200); do prompush_scrape | grep -F '{running} 1' && exit 0; sleep 0.05; done; exit 1"
    );
    let address = crate::support::address(&gateway.url);
    let scrape = format!(
        "prompush_scrape() {{ exec 3<>/dev/tcp/{}/{}; printf 'GET /metrics HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3; }}; ",
        address.ip(),
        address.port()
    );
    let mut command = prompush(&["run", "--gateway", &gateway.url, "--group", "instance="]);
    command.args(["--job", "x", "--", "bash", "-c", &(scrape + &script)]);
    run_command(&mut command, "").expect_code(0);
    assert_eq!(value(&gateway.url, running), Some(0.0));
}

#[test]
fn a_refusal_does_not_hide_how_it_went() {
    let Some(gateway) = Pushgateway::start(Version::Sid) else { return };
    let run = |job: &str, script: &str, code: i32| {
        let options = ["--job", job, "--group", "instance="];
        run_command(&mut wrapped(gateway.url(), &options, script), "").expect_code(code)
    };
    run("a", "echo 'rows_imported 7' > $PROMPUSH_TEXTFILE", 0);
    let counter = "printf '# TYPE rows_imported counter\nrows_imported 3\n' > $PROMPUSH_TEXTFILE";
    let done = run("b", &format!("{counter}; exit 3"), 3);
    let words = "warning: only the job's metrics are pushed: ";
    assert!(done.stderr.starts_with(words), "{}", done.stderr);
    assert!(done.stderr.contains("rows_imported"), "{}", done.stderr);
    assert_eq!(done.stderr.lines().count(), 1, "{}", done.stderr);
    let value = |name: &str| value(gateway.url(), &format!("{name}{{instance=\"\",job=\"b\"}}"));
    assert_eq!(value("job_running"), Some(0.0));
    assert_eq!(value("job_exit_code"), Some(3.0));
    assert_eq!(value("prompush_textfile_error"), Some(1.0));
    assert_eq!(value("rows_imported"), None);
}

#[test]
fn the_commands_own_metrics_go_along() {
    for_each_gateway(|url| {
        let options = ["--job", "own", "--group", "instance="];
        let script =
            "printf '# TYPE rows_total counter\\nrows_total 7\\n' > \"$PROMPUSH_TEXTFILE\"; exit 5";
        run_command(&mut wrapped(url, &options, script), "").expect_code(5);
        assert_eq!(value(url, "rows_total{instance=\"\",job=\"own\"}"), Some(7.0));
        assert_eq!(exposed(url, "# TYPE rows_total").len(), 1);
        let script = "printf 'rows_total 8\\nrows 3 x\\n' > \"$PROMPUSH_TEXTFILE\"";
        let done = run_command(&mut wrapped(url, &options, script), "").expect_code(0);
        assert!(done.stderr.contains(":2:8\n  |\n2 | rows 3 x\n  |        ^"), "{}", done.stderr);
        let value = |name: &str| value(url, &format!("{name}{{instance=\"\",job=\"own\"}}"));
        assert_eq!(value("rows_total"), Some(7.0), "the bad file is not pushed");
        assert_eq!(value("prompush_textfile_error"), Some(1.0));
        assert_eq!(value("job_success"), Some(1.0), "but how the job went");
        run_command(&mut wrapped(url, &options, "true"), "").expect_code(0);
        assert_eq!(value("prompush_textfile_error"), Some(0.0));
    });
}

#[test]
fn a_file_of_the_users_is_respected() {
    let gateway = OurGateway::start(&[]);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("mine.prom");
    std::fs::write(&file, "rows 1\n").expect("it is written");
    let run = |script: &str| {
        let mut command = wrapped(&gateway.url, &["--job", "x", "--group", "instance="], script);
        run_command(command.env("PROMPUSH_TEXTFILE", &file), "").expect_code(0);
    };
    run("true");
    assert_eq!(exposed(&gateway.url, "rows{").len(), 0, "of an earlier run");
    run("echo rows 22 > \"$PROMPUSH_TEXTFILE\"");
    assert_eq!(value(&gateway.url, "rows{instance=\"\",job=\"x\"}"), Some(22.0));
    assert!(file.exists());
}

#[test]
fn nothing_stays_behind() {
    let gateway = OurGateway::start(&[]);
    let folder = tempfile::tempdir().expect("a folder");
    for script in
        ["echo a 1 > $PROMPUSH_TEXTFILE", "exit 3", "kill -9 $$", "touch $PROMPUSH_TEXTFILE.2"]
    {
        let mut command = wrapped(&gateway.url, &["--job", "x"], script);
        run_command(command.env("TMPDIR", folder.path()), "");
        let left: Vec<_> = std::fs::read_dir(folder.path()).expect("it is there").collect();
        assert!(left.is_empty(), "{script}: {left:?}");
    }
}

#[test]
fn a_gateway_that_is_down_costs_the_deadline() {
    let hanging = ScriptedServer::start([Answer::Hang]);
    for url in [format!("http://{}", free_address()), hanging.url()] {
        #[expect(clippy::disallowed_methods, reason = "the deadline is what is tested")]
        let start = std::time::Instant::now();
        let options = ["--job", "x", "--deadline", "300ms"];
        let done = run_command(&mut wrapped(&url, &options, "echo out; exit 7"), "").expect_code(7);
        assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
        assert_eq!(done.stdout, "out\n");
        assert_eq!(done.stderr.lines().count(), 1, "{}", done.stderr);
        assert!(done.stderr.starts_with("warning: the last push failed: "), "{}", done.stderr);
        let quiet = ["--job", "x", "--deadline", "300ms", "--quiet"];
        let done = run_command(&mut wrapped(&url, &quiet, "exit 7"), "").expect_code(7);
        assert_eq!(done.stderr, "");
    }
}

#[test]
fn the_last_state_is_kept_in_the_spool() {
    let folder = tempfile::tempdir().expect("a folder");
    let spool = folder.path().to_str().expect("UTF-8");
    let url = format!("http://{}", free_address());
    let options = ["--job", "kept", "--deadline", "500ms", "--spool", spool];
    let done = run_command(&mut wrapped(&url, &options, "exit 7"), "").expect_code(7);
    assert!(done.stderr.contains("; kept in the spool "), "{}", done.stderr);
    let list = ["spool", "list", "--json", "--spool", spool];
    let listed = run_command(&mut prompush(&list), "").expect_code(0).stdout;
    assert!(
        listed.contains("\"job\": \"kept\"") && listed.contains("\"verb\": \"add\""),
        "{listed}"
    );
    // A signal cuts the wait short, and loses nothing.
    let hanging = ScriptedServer::start([Answer::Hang]);
    let options = ["--job", "cut", "--deadline", "1h", "--spool", spool];
    let mut command = wrapped(&hanging.url(), &options, "exit 6");
    let mut process = Process(command.spawn().expect("it starts"));
    hanging.wait_for_requests(1, WAIT_MAX);
    // The first signals may come before the last push, and reach a command that is gone.
    let status = wait_for(WAIT_MAX, "it ends", || {
        process.signal(rustix::process::Signal::TERM);
        process.0.try_wait().expect("it can be waited for")
    });
    assert!([Some(6), None].contains(&status.code()), "{status:?}");
    let listed = run_command(&mut prompush(&list), "").expect_code(0).stdout;
    assert!(listed.contains("\"job\": \"cut\""), "{listed}");
}

#[test]
fn a_group_does_not_expire_while_its_command_runs() {
    let gateway = ScriptedServer::start([Answer::status(200).keep_alive()]);
    let script = "sleep 3";
    run_command(&mut wrapped(&gateway.url(), &["--ttl", "1500ms"], script), "").expect_code(0);
    let running = |text: &str| text.contains("\njob_running 1\n");
    let requests = gateway.requests();
    let told = requests.iter().filter(|request| running(&request.text())).count();
    assert!(told >= 2, "{requests:#?}");
    assert!(requests.iter().all(|request| request.text().contains("push_ttl_seconds 1.5")));
}

#[test]
fn what_is_wrong_is_said_before_or_costs_nothing() {
    let run = |options: &[&str]| {
        let mut command = prompush(&["run"]);
        run_command(command.args(options).args(["--", "echo", "ran"]), "")
    };
    for options in
        [&["--job", ""][..], &["--gateway", "ftp://x"], &["--group", "x"], &["--every", "x"]]
    {
        assert_eq!(run(options).expect_code(2).stdout, "", "{options:?}");
    }
    // Somebody has set it elsewhere: the job is run all the same.
    let mut command = prompush(&["run", "--", "echo", "ran"]);
    let done = run_command(command.env("PUSHGATEWAY_URL", "ftp://x"), "").expect_code(0);
    assert_eq!(done.stdout, "ran\n");
    assert!(done.stderr.starts_with("warning: nothing will be pushed: "), "{}", done.stderr);
}
