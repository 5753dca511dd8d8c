//! push, add, list and delete, against our gateway and both real ones.

use std::process::Command;

use prompush_testing::{Answer, ScriptedServer};
use serde_json::Value;

use crate::support::{exposed, for_each_gateway, run, run_command};

const ODD_JOBS: [&str; 9] = ["a/b", "..", ".", "a b", "a+b%25", "😀", "x\"y\\", "*", "日本/é"];

#[test]
fn odd_jobs_come_back_and_go() {
    for_each_gateway(|url| {
        for job in ODD_JOBS {
            let key = ["--gateway", url, "--job", job, "--group", &format!("path=/{job}")];
            run(&[&["push"], &key[..]].concat(), "m 1").expect_code(0);
        }
        let listed = list(url, &[]);
        let mut jobs: Vec<&str> =
            listed.iter().filter_map(|group| group["labels"]["job"].as_str()).collect();
        let mut expected = ODD_JOBS.to_vec();
        jobs.sort_unstable();
        expected.sort_unstable();
        assert_eq!(jobs, expected);
        for job in ODD_JOBS {
            let key = ["--gateway", url, "--job", job, "--group", &format!("path=/{job}")];
            run(&[&["delete", "--literal", "--quiet"], &key[..]].concat(), "").expect_code(0);
        }
        assert!(list(url, &[]).is_empty());
    });
}

#[test]
fn a_push_replaces_and_an_add_adds() {
    for_each_gateway(|url| {
        let push = |arguments: &[&str], body: &str| {
            let all = [&["push", "--job", "x", "--gateway", url, "--quiet"], arguments].concat();
            let done = run(&all, body).expect_code(0);
            assert_eq!((done.stdout.as_str(), done.stderr.as_str()), ("", ""));
        };
        push(&[], "a_x 1\nb_x 2\n");
        push(&["--add", "--gzip"], "b_x 3\n");
        let samples = |part| exposed(url, part);
        assert_eq!(samples("a_x{"), ["a_x{instance=\"\",job=\"x\"} 1"]);
        assert_eq!(samples("b_x{"), ["b_x{instance=\"\",job=\"x\"} 3"]);
        push(&["--gzip"], "b_x 4\n");
        assert!(samples("a_x{").is_empty());
        assert_eq!(samples("b_x{"), ["b_x{instance=\"\",job=\"x\"} 4"]);
    });
}

#[test]
fn types_arrive() {
    for_each_gateway(|url| {
        let body = "# TYPE c counter\n# HELP c C.\nc_total 1 # {t=\"x\"} 1\n# TYPE h histogram\nh_bucket{le=\"1.0\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n# EOF\n";
        run(&["push", "--job", "x", "--gateway", url], body).expect_code(0);
        assert_eq!(exposed(url, "# TYPE c_total"), ["# TYPE c_total counter"]);
        assert_eq!(exposed(url, "# HELP c_total"), ["# HELP c_total C."]);
        assert_eq!(exposed(url, "h_bucket{").len(), 2);
        assert_eq!(exposed(url, "# TYPE h "), ["# TYPE h histogram"]);
    });
}

#[test]
fn only_the_group_with_that_whole_key_is_deleted() {
    for_each_gateway(|url| {
        for group in [&[][..], &["--group", "instance=i"], &["--group", "instance=i", "-g", "a=b"]]
        {
            run(&[&["push", "-j", "x", "-u", url], group].concat(), "m 1").expect_code(0);
        }
        run(&["delete", "-j", "x", "-u", url], "").expect_code(0);
        assert_eq!(list(url, &[]).len(), 2);
        let missed = run(&["delete", "-j", "x", "-u", url], "").expect_code(1);
        assert!(missed.stderr.contains("2 groups have this job"), "{}", missed.stderr);
        // A wildcard in any value makes the others loose.
        assert_eq!(list(url, &["--job", "x", "--group", "a=*"]).len(), 1);
        run(&["delete", "-j", "x", "-g", "a=?", "-u", url], "").expect_code(0);
        assert_eq!(list(url, &[]).len(), 1);
        run(&["delete", "-j", "x", "-g", "instance=i", "-u", url], "").expect_code(0);
        assert!(list(url, &[]).is_empty());
    });
}

#[test]
fn the_list_says_what_there_is() {
    for_each_gateway(|url| {
        run(
            &["push", "-j", "b", "-g", "instance=1", "-u", url],
            "m 1\nn{a=\"1\"} 1\nn{a=\"2\"} 1\n",
        )
        .expect_code(0);
        run(&["push", "-j", "a\u{1b}", "-u", url], "m 1").expect_code(0);
        // A push that the gateway refuses leaves its mark: this series is in the other group.
        run(&["push", "-j", "b", "-u", url], "m{instance=\"1\"} 1").expect_code(1);

        let table = run(&["list", "-u", url], "").expect_code(0).stdout;
        let rows: Vec<Vec<&str>> = table
            .lines()
            .map(|line| line.split("  ").filter(|cell| !cell.is_empty()).map(str::trim).collect())
            .collect();
        assert_eq!(rows.len(), 4, "{table}");
        assert_eq!(
            rows[0],
            ["JOB", "LABELS", "FAMILIES", "SERIES", "LAST PUSH", "LAST FAILURE", "STATE"]
        );
        assert_eq!(&rows[1][..4], ["a\\u{1b}", "-", "1", "1"], "{table}");
        let failed: Vec<&Vec<&str>> =
            rows.iter().filter(|row| row.last() == Some(&"failed")).collect();
        assert_eq!(&failed[0][..5], ["b", "-", "0", "0", "never"], "{table}");
        assert!(failed[0][5].ends_with("s ago"), "{table}");
        let good: Vec<&Vec<&str>> = rows.iter().filter(|row| row[1] == "instance=\"1\"").collect();
        assert_eq!(&good[0][..4], ["b", "instance=\"1\"", "2", "3"], "{table}");

        let listed = list(url, &["--job", "b", "--group", "instance=?"]);
        assert_eq!(listed.len(), 1);
        assert_eq!(listed[0]["families"], 2);
        assert_eq!(listed[0]["series"], 3);
        assert_eq!(listed[0]["last_push_successful"], true);
        assert_eq!(listed[0]["last_failure"], Value::Null);
        assert!(listed[0]["last_push"].as_f64().is_some_and(|at| at > 1e9), "{listed:?}");
        assert!(
            listed[0]["last_push_age_seconds"].as_f64().is_some_and(|age| age < 60.0),
            "{listed:?}"
        );
    });
}

#[test]
fn a_large_body_passes_in_little_memory() {
    const SERIES: usize = 740_000;
    let server = ScriptedServer::start([Answer::status(200)]);
    let mut body = String::from("# HELP large_series A family.\n# TYPE large_series gauge\n");
    for number in 0..SERIES {
        body.push_str("large_series{path=\"/some/where/in/a/folder/");
        body.push_str(&number.to_string());
        body.push_str("\",kind=\"file\"} 1.5\n");
    }
    assert!(body.len() > 50_000_000, "{}", body.len());
    // The limit is on all that is mapped: 512 MiB.
    let program = env!("CARGO_BIN_EXE_prompush");
    let url = server.url();
    let script =
        format!("ulimit -v 524288 && exec '{program}' push --job x --gateway {url} --timeout 90s");
    let done = run_command(Command::new("sh").args(["-c", &script]), &body).expect_code(0);
    let said = format!("pushed 1 metric family, {SERIES} samples to");
    assert!(done.stderr.starts_with(&said), "{}", done.stderr);
    assert!(server.requests()[0].body == body.as_bytes(), "the body is the same");
}

fn list(url: &str, arguments: &[&str]) -> Vec<Value> {
    let done = run(&[&["list", "--json", "--gateway", url], arguments].concat(), "").expect_code(0);
    serde_json::from_str(&done.stdout).expect("an array")
}
