//! `prompush gc`, against our gateway and both real ones, and against scripts that push in between.

use std::process::Stdio;

use prompush_testing::{Answer, ScriptedServer, wait_until};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::{Process, WAIT_MAX, exposed, for_each_gateway, prompush, run};

/// Pushes a group that is good for so many seconds.
fn push(url: &str, job: &str, group: &[&str], ttl: Option<&str>) {
    let mut arguments = vec!["push", "--quiet", "--gateway", url, "--job", job];
    arguments.extend(group.iter().flat_map(|label| ["--group", label]));
    let ttl = ttl.map_or_else(String::new, |ttl| {
        format!("# TYPE push_ttl_seconds gauge\npush_ttl_seconds {ttl}\n")
    });
    run(&arguments, format!("gc_x 1\n{ttl}")).expect_code(0);
}

fn collect(url: &str, arguments: &[&str]) -> crate::support::Run {
    run(&[&["gc", "--gateway", url], arguments].concat(), "")
}

/// The jobs that still expose something.
fn jobs(url: &str) -> Vec<String> {
    let jobs = exposed(url, "gc_x{").into_iter().map(|line| {
        let (_, rest) = line.split_once("job=\"").expect("a job");
        rest.split('"').next().unwrap_or_default().to_owned()
    });
    let mut jobs: Vec<String> = jobs.collect();
    jobs.sort_unstable();
    jobs
}

#[test]
fn groups_go_when_their_time_has_passed() {
    for_each_gateway(|url| {
        push(url, "short", &["instance=a/b"], Some("0.001"));
        push(url, "long", &[], Some("3600"));
        push(url, "ever", &[], Some("+Inf"));
        push(url, "silent", &[], None);
        push(url, "other", &[], Some("0.001"));
        // The gateway's clock is read in whole seconds.
        let due = || collect(url, &["--dry-run", "--json"]).expect_code(0).stdout;
        wait_until(WAIT_MAX, "the short group is due", || {
            let report: Value = serde_json::from_str(&due()).expect("JSON");
            // Our gateway has deleted it by itself.
            report["deleted"].as_array().is_some_and(|list| list.len() == 2) || jobs(url).len() == 3
        });
        if jobs(url).len() == 5 {
            let done = collect(url, &["--dry-run", "--job", "sh*"]).expect_code(0);
            let line = "{job=\"short\",instance=\"a/b\"}  pushed ";
            assert!(done.stdout.starts_with(line), "{done:?}");
            assert!(done.stdout.ends_with("ago, its `push_ttl_seconds` is 0s\n"), "{done:?}");
            assert!(
                done.stderr
                    .starts_with("would delete 1 group (1 past its `push_ttl_seconds`), kept 0 at"),
                "{done:?}"
            );
            assert_eq!(jobs(url).len(), 5);
            collect(url, &["--group", "instance=a*"]).expect_code(0);
            assert_eq!(jobs(url), ["ever", "long", "other", "silent"]);
        }
        let done = collect(url, &[]).expect_code(0);
        let kept = "kept 3 (1 not due, 1 valid for ever, 1 without `push_ttl_seconds`, which only `--older-than` deletes)";
        assert!(done.stderr.contains(kept), "{done:?}");
        assert_eq!(jobs(url), ["ever", "long", "silent"]);

        // Those that say nothing go by age, and only by it.
        collect(url, &["--older-than", "1h"]).expect_code(0);
        assert_eq!(jobs(url), ["ever", "long", "silent"]);
        wait_until(WAIT_MAX, "the silent group is old", || {
            let done = collect(url, &["--older-than", "1ms", "--json"]).expect_code(0);
            let report: Value = serde_json::from_str(&done.stdout).expect("JSON");
            let Some(deleted) = report["deleted"].as_array().filter(|list| !list.is_empty()) else {
                return false;
            };
            assert_eq!(deleted[0]["labels"], json!({"job": "silent"}));
            assert_eq!(deleted[0]["reason"], "older_than");
            assert_eq!(deleted[0]["limit_seconds"], 0.001);
            assert_eq!((&report["not_due"], &report["for_ever"]), (&json!(1), &json!(1)));
            true
        });
        assert_eq!(jobs(url), ["ever", "long"]);
    });
}

#[test]
fn a_round_comes_again_until_a_signal() {
    for_each_gateway(|url| {
        push(url, "silent", &[], None);
        let mut command = prompush(&["gc", "--every", "100ms", "--older-than", "1ms", "--quiet"]);
        command.args(["--gateway", url]).stdin(Stdio::null()).stdout(Stdio::null());
        let mut process = Process(command.spawn().expect("the binary starts"));
        wait_until(WAIT_MAX, "the group is gone", || jobs(url).is_empty());
        push(url, "again", &[], None);
        wait_until(WAIT_MAX, "the next one, too", || jobs(url).is_empty());
        process.signal(Signal::TERM);
        assert_eq!(process.wait(WAIT_MAX).code(), Some(0));
    });
}

/// A list of one group with a TTL of ten seconds, pushed at that second of 1970, as of second 1000.
fn list(pushed: u32) -> Answer {
    let gauge = |value: u32| json!({"type": "GAUGE", "metrics": [{"labels": {"job": "x"}, "value": value.to_string()}]});
    let group = json!({
        "labels": {"job": "x"}, "push_ttl_seconds": gauge(10), "push_time_seconds": gauge(pushed),
    });
    answer(&json!([group]))
}

fn answer(groups: &Value) -> Answer {
    let body = json!({"status": "success", "data": groups}).to_string();
    // Half an hour before this test could have been written, and our own clock is not asked.
    Answer::status(200).header("Date", "Thu, 01 Jan 1970 00:16:40 GMT").body(body)
}

#[test]
fn a_group_is_looked_at_again_just_before() {
    let methods = |server: &ScriptedServer| -> Vec<String> {
        server.requests().into_iter().map(|request| request.method).collect()
    };
    let server = ScriptedServer::start([list(989), list(989), Answer::status(202)]);
    let done = collect(&server.url(), &[]).expect_code(0);
    assert_eq!(done.stdout, "{job=\"x\"}  pushed 11s ago, its `push_ttl_seconds` is 10s\n");
    assert_eq!(methods(&server), ["GET", "GET", "DELETE"]);
    // Not due by a second.
    let server = ScriptedServer::start([list(990)]);
    collect(&server.url(), &[]).expect_code(0);
    assert_eq!(methods(&server), ["GET"]);
    // Pushed again meanwhile, or gone.
    let server = ScriptedServer::start([list(989), list(1000)]);
    let done = collect(&server.url(), &[]).expect_code(0);
    assert!(
        done.stderr.contains("deleted 0 groups, kept 1 (1 pushed again in the meantime)"),
        "{done:?}"
    );
    assert_eq!(methods(&server), ["GET", "GET"]);
    let server = ScriptedServer::start([list(989), answer(&json!([]))]);
    let done = collect(&server.url(), &[]).expect_code(0);
    assert!(done.stderr.contains("1 group was deleted by somebody else"), "{done:?}");
}

#[test]
fn what_cannot_be_deleted_is_said() {
    let server = ScriptedServer::start([list(1), list(1), Answer::status(503)]);
    let done = collect(&server.url(), &[]).expect_code(69);
    assert!(done.stderr.contains("1 that could not be deleted"), "{done:?}");
    assert!(done.stderr.contains("gateway answered 503"), "{done:?}");
    assert_eq!(server.requests().len(), 3, "a deletion is not repeated");
    // A gateway that does not say the time.
    let server = ScriptedServer::start([Answer::status(200).body(r#"{"data":[]}"#)]);
    let done = collect(&server.url(), &[]).expect_code(0);
    assert!(done.stderr.contains("ages are measured with the clock of this machine"), "{done:?}");
    for argument in ["--older-than", "--every"] {
        collect("http://127.0.0.1:1", &[argument, "0s"]).expect_code(2);
    }
}
