//! Metrics that a command exports by OTLP: a script called gptme posts bodies that gptme once sent.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::ExitStatusExt as _;
use std::process::Stdio;
use std::time::Duration;

use prompush_testing::{Answer, Pushgateway, ScriptedServer, Version, free_address};
use rustix::process::Signal;

use crate::support::{
    Gptme, OurGateway, POST, Process, WAIT_MAX, address, exposed, for_each_gateway, now, otlp_file,
    prompush, run_command, wrapped,
};

/// A gptme that exports one body, and goes on with `then`.
fn gptme(body: &str, then: &str) -> Gptme {
    Gptme::new(&format!("{POST}post /v1/metrics '{}'\n{then}", otlp_file(body).display()))
}

/// The labels of the series of that name, and its value.
fn series(url: &str, name: &str) -> Vec<(String, String)> {
    let lines = exposed(url, &format!("{name}{{"));
    let samples = lines.iter().filter(|line| line.starts_with(name));
    let split = |line: &String| {
        let (labels, value) = line.rsplit_once(' ').expect("a sample");
        (labels.to_owned(), value.to_owned())
    };
    samples.map(split).collect()
}

fn tokens(url: &str) -> f64 {
    let found = series(url, "gptme_tokens_processed_total");
    found.iter().map(|(_, value)| value.parse::<f64>().expect("a number")).sum()
}

#[test]
fn gptmes_metrics_are_pushed_with_the_jobs() {
    for_each_gateway(|url| {
        let gptme = gptme("basic-shutdown", "echo $$; exit 5");
        let done = run_command(&mut gptme.wrapped(url, &[]), "").expect_code(5);
        assert_eq!(done.stderr.lines().count(), 1, "{}", done.stderr);
        let pid = done.stdout.trim();
        let start = format!("prompush: its metrics go to {url} as {{job=\"gptme\",instance=\"");
        assert!(done.stderr.starts_with(&start), "{}", done.stderr);
        assert!(done.stderr.contains(&format!(":{pid}\"}}, ")), "{}", done.stderr);
        let group = format!(":{pid}\",job=\"gptme\"");
        for name in
            ["gptme_tokens_processed_total", "gptme_tokens_total", "gptme_llm_requests_total"]
        {
            let found = series(url, name);
            assert!(!found.is_empty(), "{name}");
            assert!(found.iter().all(|(labels, value)| labels.contains(&group) && value != "0"));
            assert_eq!(exposed(url, &format!("# TYPE {name} counter")).len(), 1, "{name}");
        }
        assert_eq!(series(url, "job_exit_code")[0].1, "5");
        assert_eq!(series(url, "push_ttl_seconds")[0].1, "3600");
        assert!(series(url, "gptme_tokens_total").iter().all(|(it, _)| !it.contains("\"total\"")));
    });
}

#[test]
fn nothing_is_lost_however_it_ends() {
    // bash would leave SIGINT to its child, which does not get it.
    let ready = "exec sh -c 'trap \"echo again\" INT; echo $$; while :; do sleep 0.05; done'";
    for (to_command, signal, times, expected) in [
        (false, Signal::TERM, 1, 15),
        (false, Signal::HUP, 1, 1),
        (true, Signal::KILL, 1, 9),
        (true, Signal::TERM, 1, 15),
        (false, Signal::USR1, 1, 10),
        (false, Signal::INT, 2, 15),
    ] {
        let gateway = OurGateway::start(&[]);
        let gptme = gptme("basic-shutdown", ready);
        let mut command = gptme.wrapped(&gateway.url, &["--quiet"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut process = Process(command.spawn().expect("it starts"));
        let stdout = process.0.stdout.take().expect("it is piped");
        let mut lines = BufReader::new(stdout).lines().map(|line| line.expect("UTF-8"));
        let pid: i32 = lines.next().and_then(|line| line.parse().ok()).expect("a process ID");
        let command = rustix::process::Pid::from_raw(pid).expect("a process ID");
        for _ in 0..times {
            if to_command {
                rustix::process::kill_process(command, signal).expect("it is there");
            } else {
                process.signal(signal);
            }
            if signal == Signal::INT {
                assert_eq!(lines.next().as_deref(), Some("again"));
            }
        }
        if signal == Signal::INT {
            process.signal(Signal::TERM);
        }
        assert_eq!(process.wait(WAIT_MAX).signal(), Some(expected), "{signal:?}");
        assert!(tokens(&gateway.url) > 0.0, "{signal:?}");
        assert_eq!(series(&gateway.url, "job_exit_code")[0].1, (128 + expected).to_string());
    }
}

#[test]
fn two_at_once_are_two_instances() {
    let gateway = OurGateway::start(&[]);
    let gptme = gptme("twin-a-shutdown", "echo ready; read line");
    let start = || {
        let mut command = gptme.wrapped(&gateway.url, &["--quiet"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = Process(command.spawn().expect("it starts"));
        let mut line = String::new();
        let stdout = process.0.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut line).expect("it says so");
        assert_eq!(line, "ready\n");
        process
    };
    let mut both = [start(), start()];
    for process in &mut both {
        drop(process.0.stdin.take());
        process.wait(WAIT_MAX);
    }
    let mut instances: Vec<String> = series(&gateway.url, "gptme_tokens_total")
        .into_iter()
        .filter(|(labels, _)| labels.contains("token_type=\"input\""))
        .map(|(labels, _)| labels)
        .collect();
    instances.dedup();
    assert_eq!(instances.len(), 2, "{instances:?}");
}

#[test]
fn what_is_exported_is_pushed_while_it_runs() {
    let gateway = OurGateway::start(&[]);
    let address = address(&gateway.url);
    let wait = format!(
        "for i in $(seq 400); do exec 5<>/dev/tcp/{}/{}; printf 'GET /metrics HTTP/1.0\\r\\n\\r\\n' >&5; \
         grep -q '^gptme_tokens_total.* [1-9]' <&5 && exit 0; sleep 0.05; done; exit 1",
        address.ip(),
        address.port()
    );
    let gptme = gptme("long-1", &wait);
    run_command(&mut gptme.wrapped(&gateway.url, &[]), "").expect_code(0);
}

#[test]
fn a_group_of_its_own_begins_empty() {
    let gateway = ScriptedServer::start([Answer::status(200).keep_alive()]);
    let run = |options: &[&str]| {
        let gptme = gptme("basic-shutdown", "sleep 0.3");
        run_command(&mut gptme.wrapped(&gateway.url(), options), "").expect_code(0);
    };
    run(&[]);
    let before = gateway.requests().len();
    assert_eq!(gateway.requests()[0].method, "PUT", "an earlier process had the same ID");
    // A group that others share is added to.
    run(&["--group", "instance=me"]);
    assert!(gateway.requests()[before..].iter().all(|request| request.method == "POST"));
}

#[test]
fn traces_go_on_to_the_users_collector() {
    let gateway = OurGateway::start(&[]);
    let collector = ScriptedServer::start([Answer::status(200)]);
    let path = otlp_file("traces-small");
    let gptme = Gptme::new(&format!("{POST}post /v1/traces '{}'", path.display()));
    let mut command = gptme.wrapped(&gateway.url, &[]);
    let done = run_command(command.env("OTLP_ENDPOINT", collector.url()), "").expect_code(0);
    assert!(done.stderr.contains(&format!("its traces to {}", collector.url())), "{done:?}");
    let requests = collector.requests();
    assert_eq!((requests.len(), requests[0].target.as_str()), (1, "/v1/traces"));
    assert!(requests[0].body == std::fs::read(&path).expect("the fixture"));
    // A collector that is down costs nothing that is seen.
    let mut command = gptme.wrapped(&gateway.url, &[]);
    let down = format!("http://{}", free_address());
    let done = run_command(command.env("OTLP_ENDPOINT", &down), "").expect_code(0);
    assert_eq!(done.stderr.lines().count(), 1, "{}", done.stderr);
}

#[test]
fn a_collector_that_fails_does_not_hold_the_end() {
    let gateway = OurGateway::start(&[]);
    let path = otlp_file("traces-small");
    let post = format!("post /v1/traces '{}'", path.display());
    let gptme = Gptme::new(&format!("{POST}{post}; {post}; exit 3"));
    let run = |collector: &str| {
        let mut command = gptme.wrapped(&gateway.url, &["--deadline", "90s"]);
        let started = now();
        run_command(command.env("OTLP_ENDPOINT", collector), "").expect_code(3);
        started.elapsed()
    };
    // One that is busy is not tried again when gptme has ended.
    let busy = ScriptedServer::start([Answer::status(503)]);
    run(&busy.url());
    assert!(busy.requests().len() <= 3, "{}", busy.requests().len());
    // One that hangs is given up long before a third of the deadline.
    let hanging = ScriptedServer::start([Answer::Hang]);
    let took = run(&hanging.url());
    assert!(took < Duration::from_secs(20), "{took:?}");
    assert_eq!(series(&gateway.url, "job_exit_code").len(), 2);
}

#[test]
fn it_can_be_left_as_it_is() {
    let gateway = OurGateway::start(&[]);
    let show = "env | grep -E 'OTLP|GPTME_TELEMETRY' | sort";
    let gptme = Gptme::new(show);
    let check = |options: &[&str], set: &[(&str, &str)], expected: &str| {
        let mut command = gptme.wrapped(&gateway.url, options);
        for name in ["OTLP_ENDPOINT", "GPTME_TELEMETRY_ENABLED", "OTEL_EXPORTER_OTLP_ENDPOINT"] {
            command.env_remove(name);
        }
        let done = run_command(command.envs(set.iter().copied()), "").expect_code(0);
        let port = done.stdout.split_once("127.0.0.1:").map(|(_, rest)| rest);
        let port = port.and_then(|rest| rest.split(['\n', '/']).next()).unwrap_or("none");
        assert_eq!(done.stdout.replace(port, "PORT"), expected, "{}", done.stderr);
    };
    let on = "GPTME_TELEMETRY_ENABLED=true\nOTLP_ENDPOINT=http://127.0.0.1:PORT\n";
    check(&[], &[], on);
    check(&[], &[("GPTME_TELEMETRY_ENABLED", "1"), ("OTLP_ENDPOINT", "http://127.0.0.1:9")], on);
    check(&["--no-otlp"], &[], "");
    let off = ("GPTME_TELEMETRY_ENABLED", "false");
    check(&[], &[off], "GPTME_TELEMETRY_ENABLED=false\n");
    check(&["--quiet"], &[("PUSHGATEWAY_URL", "x")], on);
}

#[test]
fn any_program_can_export() {
    let gateway = OurGateway::start(&[]);
    let script = format!(
        "{POST}post /v1/metrics '{}'; env | grep -o '^OTEL_EXPORTER[A-Z_]*' | sort",
        otlp_file("server-shutdown").display()
    );
    let mut command = prompush(&["run", "--gateway", &gateway.url, "--otlp", "--job", "service"]);
    for name in ["OTLP_ENDPOINT", "GPTME_TELEMETRY_ENABLED", "OTEL_EXPORTER_OTLP_ENDPOINT"] {
        command.env_remove(name);
    }
    command.args(["--", "bash", "-c", &script]);
    let done = run_command(&mut command, "").expect_code(0);
    let names = ["ENDPOINT", "METRICS_ENDPOINT", "METRICS_PROTOCOL", "PROTOCOL"];
    let names = names.map(|name| format!("OTEL_EXPORTER_OTLP_{name}\n")).concat();
    assert_eq!(done.stdout, names);
    let found = series(&gateway.url, "gptme_llm_requests_total");
    assert!(found[0].0.contains("job=\"service\""), "{found:?}");
    assert!(!found[0].0.contains(':'), "the instance is the machine: {found:?}");
}

#[test]
fn a_wrong_environment_is_said_and_costs_nothing() {
    let gateway = OurGateway::start(&[]);
    let gptme = Gptme::new("exit 3");
    for (name, value) in [
        ("PROMPUSH_INTERVAL", "1"),
        ("OTLP_ENDPOINT", "ftp://x"),
        ("GPTME_TELEMETRY_ENABLED", "maybe"),
    ] {
        let mut command = gptme.wrapped(&gateway.url, &[]);
        let done = run_command(command.env(name, value), "").expect_code(3);
        let expected = format!("warning: environment variable `{name}` is `{value}`");
        assert!(done.stderr.starts_with(&expected), "{}", done.stderr);
        assert_eq!(done.stderr.lines().count(), 1, "{}", done.stderr);
    }
    assert_eq!(series(&gateway.url, "job_exit_code").len(), 3);
}

#[test]
fn a_gateway_that_is_down_does_not_hold_gptme() {
    let hanging = ScriptedServer::start([Answer::Hang]);
    let gptme = gptme("basic-shutdown", "exit 4");
    for url in [format!("http://{}", free_address()), hanging.url()] {
        let options = ["--deadline", "300ms"];
        let done = run_command(&mut gptme.wrapped(&url, &options), "").expect_code(4);
        assert_eq!(done.stdout, "", "every post was answered 200");
        assert_eq!(done.stderr.lines().count(), 2, "{}", done.stderr);
    }
}

#[test]
fn one_name_from_two_sides_does_not_hide_how_it_went() {
    let gateway = OurGateway::start(&[]);
    let gptme = gptme("basic-shutdown", "echo gptme_tokens_total 1 > $PROMPUSH_TEXTFILE");
    let done = run_command(&mut gptme.wrapped(&gateway.url, &[]), "").expect_code(0);
    assert!(done.stderr.contains("warning: only the job's metrics are pushed: "), "{done:?}");
    assert!(done.stderr.contains("gptme_tokens_total"), "{done:?}");
    assert_eq!(series(&gateway.url, "job_success")[0].1, "1");
}

#[test]
fn what_is_exported_does_not_hide_how_it_went_where_it_is_refused() {
    let Some(gateway) = Pushgateway::start(Version::Sid) else { return };
    let other =
        "printf '# TYPE gptme_tokens_total gauge\ngptme_tokens_total 1\n' > $PROMPUSH_TEXTFILE";
    let mut command = wrapped(gateway.url(), &["--job", "other"], other);
    run_command(&mut command, "").expect_code(0);
    let gptme = gptme("basic-shutdown", "exit 3");
    let done = run_command(&mut gptme.wrapped(gateway.url(), &["--job", "g"]), "").expect_code(3);
    assert!(done.stderr.contains("warning: only the job's metrics are pushed: "), "{done:?}");
    let of_gptme = |name: &str| {
        let found = series(gateway.url(), name);
        found.into_iter().find(|(labels, _)| labels.contains("job=\"g\"")).map(|(_, value)| value)
    };
    assert_eq!(of_gptme("job_running").as_deref(), Some("0"));
    assert_eq!(of_gptme("job_exit_code").as_deref(), Some("3"));
    assert_eq!(of_gptme("prompush_textfile_error").as_deref(), Some("0"));
    assert_eq!(of_gptme("gptme_tokens_total"), None);
}
