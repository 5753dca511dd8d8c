//! The alert rules of docs/run.md, asked of a real Prometheus that scrapes a real gateway.

use std::collections::BTreeMap;
use std::time::Duration;

use prompush_testing::{Prometheus, Pushgateway, Version, wait_for, wait_until};

use crate::support::{Process, WAIT_MAX, exposed, run_command, wrapped};

const PAGE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/run.md"));

/// The rules: names and expressions.
fn rules() -> BTreeMap<&'static str, &'static str> {
    let (_, block) = PAGE.split_once("```yaml\n").expect("there is a block");
    let (block, _) = block.split_once("```").expect("it ends");
    let values = |key: &'static str| {
        block.lines().filter_map(move |line| line.trim().trim_start_matches("- ").strip_prefix(key))
    };
    let rules: BTreeMap<_, _> = values("alert: ").zip(values("expr: ")).collect();
    assert_eq!(rules.len(), 6, "{rules:?}");
    rules
}

#[test]
fn alerts_are_about_the_right_jobs() {
    let Some(gateway) = Pushgateway::start(Version::Sid) else { return };
    let url = gateway.url();
    let run = |options: &[&str], script: &str| {
        run_command(&mut wrapped(url, options, script), "");
    };
    run(&["--job", "nightly_backup", "--every", "24h"], "true");
    run(&["--job", "late", "--every", "1s"], "true");
    run(&["--job", "failing", "--every", "24h"], "true");
    run(&["--job", "failing", "--every", "24h"], "exit 1");
    run(&["--job", "new", "--every", "24h"], "exit 1");
    run(&["--job", "refused", "--every", "24h"], "echo x y > $PROMPUSH_TEXTFILE");
    // The machine goes down during a run.
    let mut lost = wrapped(url, &["--job", "lost", "--every", "1s"], "exec sleep 60");
    let mut lost = Process(lost.spawn().expect("it starts"));
    let is_running = || exposed(url, "job_running{").iter().any(|line| line.contains("lost"));
    wait_until(WAIT_MAX, "its start is pushed", is_running);
    lost.0.kill().expect("it is there");
    lost.wait(WAIT_MAX);

    let interval = Duration::from_millis(500);
    let Some(prometheus) = Prometheus::start(&[gateway.address()], interval) else { return };
    let rules = rules();
    let alerting = |rule: &str| {
        let found = prometheus.query(rules[rule]).expect("Prometheus takes the rule");
        let found = found.as_array().expect("a vector").clone();
        let jobs =
            found.iter().map(|it| it["metric"]["job"].as_str().unwrap_or_default().to_owned());
        let mut jobs: Vec<String> = jobs.collect();
        jobs.sort();
        jobs
    };
    let check = |rule: &str, expected: &[&str]| {
        wait_for(WAIT_MAX, rule, || (alerting(rule) == expected).then_some(()));
    };
    check("JobOverdue", &["late"]);
    check("JobFailed", &["failing", "new"]);
    check("JobNeverSucceeded", &["new"]);
    check("JobRunsTooLong", &["lost"]);
    check("JobMetricsRefused", &["refused"]);
    check("BackupGone", &[]);
}
