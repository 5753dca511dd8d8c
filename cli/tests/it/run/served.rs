//! Metrics that gptme up to 0.28 serves: a script called gptme prints the address, and the test serves there.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{ChildStdin, Stdio};

use prompush_testing::{Answer, ScriptedServer, free_address};
use rustix::process::Signal;

use crate::support::{
    Gptme, OurGateway, POST, Process, WAIT_MAX, exposed, for_each_gateway, otlp_file, scrape_body,
};

/// Says where it is told to serve, and ends with the code that it is told.
const SCRIPT: &str = "echo $PROMETHEUS_ADDR:$PROMETHEUS_PORT; read -r code; exit $code";

/// The same without what gptme counts, as it is when it has withdrawn it.
fn withdrawn(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    text.split_inclusive('\n').filter(|line| !line.contains("gptme_")).collect()
}

/// A gptme under `prompush run`, until it is told to end.
struct Running {
    process: Process,
    stdin: ChildStdin,
    /// Where it is to serve.
    address: SocketAddr,
}

impl Running {
    fn start(gateway: &str, options: &[&str], set: &[(&str, &str)]) -> Self {
        Self::start_script(SCRIPT, gateway, options, set)
    }

    fn start_script(script: &str, gateway: &str, options: &[&str], set: &[(&str, &str)]) -> Self {
        let gptme = Gptme::new(script);
        let mut command = gptme.wrapped(gateway, options);
        command.env_remove("PROMETHEUS_ADDR").env_remove("PROMETHEUS_PORT");
        command.envs(set.iter().copied()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = Process(command.stderr(Stdio::piped()).spawn().expect("it starts"));
        let stdin = process.0.stdin.take().expect("it is piped");
        let mut line = String::new();
        let stdout = process.0.stdout.take().expect("it is piped");
        BufReader::new(stdout).read_line(&mut line).expect("it says so");
        let address = line.trim().parse().expect("an address");
        Self { process, stdin, address }
    }

    /// Has it read these bodies, the last one twice, so that the one before is done with.
    fn serve(&self, bodies: Vec<Vec<u8>>) -> ScriptedServer {
        let count = bodies.len() + 1;
        let answers = bodies.into_iter().map(|body| Answer::status(200).body(body));
        let server = ScriptedServer::start_at(self.address, answers);
        let requests = server.wait_for_requests(count, WAIT_MAX);
        assert!(requests.iter().all(|request| request.target == "/metrics"));
        server
    }

    /// Has it end with exit code 3; gives what was said.
    fn end(mut self) -> String {
        writeln!(self.stdin, "3").expect("it reads");
        assert_eq!(self.process.wait(WAIT_MAX).code(), Some(3));
        let stderr = self.process.0.stderr.take().expect("it is piped");
        std::io::read_to_string(stderr).expect("UTF-8")
    }
}

/// The sum of all series of that name, without those that are sums themselves.
fn sum(url: &str, name: &str) -> f64 {
    let lines = exposed(url, &format!("{name}{{"));
    let values = lines.iter().filter_map(|line| line.rsplit_once(' '));
    values.map(|(_, value)| value.parse::<f64>().expect("a number")).sum()
}

#[test]
fn what_old_gptme_serves_is_pushed_with_the_jobs_metrics() {
    for_each_gateway(|url| {
        let running = Running::start(url, &[], &[]);
        assert!(running.address.ip().is_loopback());
        // It has withdrawn its metrics before it ends.
        let body = scrape_body("gptme-0.28.3-tool-errors.prom");
        let rest = withdrawn(&body).into_bytes();
        let server = running.serve(vec![body, rest]);
        drop(server);
        let said = running.end();
        assert_eq!(said.lines().count(), 1, "{said}");
        let calls = exposed(url, "gptme_tool_calls_total{");
        assert!(!calls.is_empty() && sum(url, "gptme_tokens_total") > 0.0);
        let group = said.split_once("instance=\"").and_then(|(_, rest)| rest.split('"').next());
        let group = format!("instance=\"{}\"", group.expect("it names the group"));
        assert!(calls.iter().all(|line| line.contains(&group) && line.contains("job=\"gptme\"")));
        assert!(exposed(url, "job_exit_code{").iter().any(|line| line.ends_with(" 3")));
    });
}

#[test]
fn what_it_served_before_it_was_killed_is_pushed() {
    let gateway = OurGateway::start(&[]);
    let mut running = Running::start(&gateway.url, &["--quiet"], &[]);
    let _server = running.serve(vec![scrape_body("gptme-0.28.3.prom")]);
    running.process.signal(Signal::TERM);
    assert_eq!(running.process.wait(WAIT_MAX).signal(), Some(15));
    assert_eq!(sum(&gateway.url, "gptme_tokens_total").to_string(), "5510");
}

#[test]
fn what_is_served_is_pushed_while_it_runs() {
    let gateway = OurGateway::start(&[]);
    let running = Running::start(&gateway.url, &[], &[]);
    let _server = running.serve(vec![scrape_body("gptme-0.28.3.prom")]);
    prompush_testing::wait_until(WAIT_MAX, "it is pushed", || {
        sum(&gateway.url, "gptme_tokens_total") > 0.0
    });
    running.end();
}

#[test]
fn what_is_exported_counts_where_it_and_what_is_served_have_one_name() {
    let body = otlp_file("basic-shutdown");
    let script = format!("{}post /v1/metrics '{}'; {SCRIPT}", POST, body.display());
    for (served, expected) in [("a_total", 1), ("gptme_tool_calls_total", 0)] {
        let gateway = OurGateway::start(&[]);
        let running = Running::start_script(&script, &gateway.url, &[], &[]);
        let server = running.serve(vec![format!("{served} 77\n").into_bytes()]);
        let said = running.end();
        drop(server);
        assert_eq!(said.lines().count(), 1, "{said}");
        let found = exposed(&gateway.url, served);
        assert_eq!(
            found.iter().filter(|line| line.ends_with(" 77")).count(),
            expected,
            "{found:?}"
        );
        assert!(sum(&gateway.url, "gptme_tool_calls_total") > 0.0);
        assert!(sum(&gateway.url, "gptme_tokens_total") > 0.0);
    }
}

#[test]
fn nobody_there_is_nothing_to_speak_of() {
    let gateway = OurGateway::start(&[]);
    let server = Running::start(&gateway.url, &[], &[]);
    let said = server.end();
    assert!(said.starts_with("prompush: its metrics go to "), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[test]
fn what_another_process_serves_at_the_users_port_is_not_pushed() {
    let gateway = OurGateway::start(&[]);
    let (theirs, free) = (ScriptedServer::start([]), free_address());
    for (address, is_read) in [(free, true), (theirs.address(), false)] {
        let port = address.port().to_string();
        let set = [("PROMETHEUS_ADDR", "127.0.0.1"), ("PROMETHEUS_PORT", port.as_str())];
        let running = Running::start(&gateway.url, &[], &set);
        assert_eq!(running.address, address, "the user's is kept");
        // The test is no child of gptme.
        let server = is_read.then(|| running.serve(vec![scrape_body("gptme-0.28.3.prom")]));
        running.end();
        drop(server);
    }
    assert!(theirs.requests().is_empty(), "somebody listened there before");
    assert_eq!(exposed(&gateway.url, "gptme_"), <[String; 0]>::default());
}

#[test]
fn what_gptme_serves_at_the_users_port_is_pushed() {
    let gateway = OurGateway::start(&[]);
    // Of the programs at hand, a gateway serves metrics: here it is what gptme starts.
    let serve =
        "\"$SERVER\" gateway --web.listen-address=127.0.0.1:$PROMETHEUS_PORT 2> /dev/null &";
    let gptme = Gptme::new(&format!("{serve} read -r line; kill $!"));
    let mut command = gptme.wrapped(&gateway.url, &["--quiet"]);
    command.env_remove("PROMETHEUS_ADDR").stdin(Stdio::piped());
    command.env("PROMETHEUS_PORT", free_address().port().to_string());
    command.env("SERVER", env!("CARGO_BIN_EXE_prompush"));
    let mut process = Process(command.spawn().expect("it starts"));
    prompush_testing::wait_until(WAIT_MAX, "it is pushed", || {
        let lines = exposed(&gateway.url, "job=\"gptme\"");
        lines.iter().any(|line| line.starts_with("pushgateway_build_info{"))
    });
    drop(process.0.stdin.take());
    process.wait(WAIT_MAX);
}
