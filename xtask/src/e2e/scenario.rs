//! The scenario: a push arrives in Prometheus, a deletion reaches Prometheus, and nothing is lost when a gateway
//! restarts.

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use super::answers::{wait_for_type, wait_for_values};
use super::background;
use super::deployment::Deployment;
use super::report::Report;

/// The metrics that gptme might push, with one family of each type.
const BODY: &str = r#"# HELP gptme_tokens_total Tokens used.
# TYPE gptme_tokens_total counter
gptme_tokens_total{token_type="input"} 1200
gptme_tokens_total{token_type="output"} 340.5
# HELP gptme_active_sessions Sessions that are open.
# TYPE gptme_active_sessions gauge
gptme_active_sessions -2
# HELP gptme_request_duration_seconds Time that requests took.
# TYPE gptme_request_duration_seconds histogram
gptme_request_duration_seconds_bucket{model="a",le="0.5"} 3
gptme_request_duration_seconds_bucket{model="a",le="+Inf"} 4
gptme_request_duration_seconds_sum{model="a"} 2.25
gptme_request_duration_seconds_count{model="a"} 4
"#;

/// A job with characters that a path must encode.
const ODD_JOB: &str = "a/b c+d%2F ü🦀";

/// Runs every step on a deployment, and stops at the first that fails.
pub(super) fn run(
    deployment: &Deployment<'_>,
    background_pusher: &std::path::Path,
    report: &mut Report,
) -> Result<()> {
    report.step("push: the gateway accepts a body", || push(deployment))?;
    report.step("push: the first example of the guide works", || push_guide_test(deployment))?;
    report.step("Prometheus: labels and values are right", || values_are_right(deployment))?;
    report.step("Prometheus: types are right", || types_are_right(deployment))?;
    report.step("push replaces the group, add keeps the other families", || {
        replaces_and_adds(deployment)
    })?;
    report
        .step("a job with special characters arrives unchanged", || odd_job_arrives(deployment))?;
    report
        .step("push: an invalid body is refused before anything is sent", || refuses(deployment))?;
    report.step("list: every group is listed", || lists(deployment))?;
    report.step("delete: a group is deleted by its whole key, also in Prometheus", || {
        deletes(deployment)
    })?;
    report.step("delete: a glob deletes the groups it matches and no others", || {
        deletes_glob(deployment)
    })?;
    background::run(deployment, background_pusher, report)
}

fn push(deployment: &Deployment<'_>) -> Result<()> {
    deployment.prompush_ends(
        &["push", "--job", "gptme", "--group", "instance=host-1:7"],
        BODY,
        0,
    )?;
    group_exists(deployment, &json!({"job": "gptme", "instance": "host-1:7"}))
}

fn push_guide_test(deployment: &Deployment<'_>) -> Result<()> {
    deployment.prompush_ends(&["push", "--job", "test"], "test_metric 42\n", 0)?;
    deployment.prompush_ends(
        &["push", "--job", "test-crlf"],
        "test_metric 43\r\nother_metric 1",
        0,
    )?;
    wait_for_values(
        deployment,
        "test_metric",
        &[
            (json!({"__name__": "test_metric", "job": "test"}), "42"),
            (json!({"__name__": "test_metric", "job": "test-crlf"}), "43"),
        ],
    )
}

fn values_are_right(deployment: &Deployment<'_>) -> Result<()> {
    let labels = |name: &str, label: &str, value: &str| {
        let mut labels = json!({"__name__": name, "job": "gptme", "instance": "host-1:7"});
        if !label.is_empty() {
            labels[label] = json!(value);
        }
        labels
    };
    let tokens = |kind| labels("gptme_tokens_total", "token_type", kind);
    wait_for_values(
        deployment,
        "gptme_tokens_total",
        &[(tokens("input"), "1200"), (tokens("output"), "340.5")],
    )?;
    wait_for_values(
        deployment,
        "gptme_active_sessions",
        &[(labels("gptme_active_sessions", "", ""), "-2")],
    )?;
    let count = "gptme_request_duration_seconds_count";
    wait_for_values(deployment, count, &[(labels(count, "model", "a"), "4")])?;
    let bucket = "gptme_request_duration_seconds_bucket{le=\"0.5\"}";
    let mut expected = labels("gptme_request_duration_seconds_bucket", "model", "a");
    expected["le"] = json!("0.5");
    wait_for_values(deployment, bucket, &[(expected, "3")])
}

fn types_are_right(deployment: &Deployment<'_>) -> Result<()> {
    for (family, expected) in [
        ("gptme_tokens_total", "counter"),
        ("gptme_active_sessions", "gauge"),
        ("gptme_request_duration_seconds", "histogram"),
    ] {
        wait_for_type(deployment, family, expected)?;
    }
    Ok(())
}

fn replaces_and_adds(deployment: &Deployment<'_>) -> Result<()> {
    let with_job = |name: &str| json!({"__name__": name, "job": "nightly"});
    deployment.prompush_ends(&["push", "--job", "nightly"], "nightly_a 1\nnightly_b 1\n", 0)?;
    deployment.prompush_ends(&["push", "--add", "--job", "nightly"], "nightly_b 2\n", 0)?;
    wait_for_values(deployment, "nightly_b", &[(with_job("nightly_b"), "2")])?;
    wait_for_values(deployment, "nightly_a", &[(with_job("nightly_a"), "1")])?;
    deployment.prompush_ends(&["push", "--job", "nightly"], "nightly_b 3\n", 0)?;
    wait_for_values(deployment, "nightly_b", &[(with_job("nightly_b"), "3")])?;
    wait_for_values(deployment, "nightly_a", &[])
}

fn odd_job_arrives(deployment: &Deployment<'_>) -> Result<()> {
    deployment.prompush_ends(
        &["push", "--job", ODD_JOB, "--group", "path=/var/"],
        "odd_total 1\n",
        0,
    )?;
    let expected = json!({"__name__": "odd_total", "job": ODD_JOB, "path": "/var/"});
    wait_for_values(deployment, "odd_total", &[(expected, "1")])
}

fn refuses(deployment: &Deployment<'_>) -> Result<()> {
    let before = deployment.groups()?.len();
    deployment.prompush_ends(&["push", "--job", "bad"], "no value here\n", 1)?;
    deployment.prompush_ends(&["push", "--job", "bad"], "stamped 1 1700000000000\n", 1)?;
    ensure!(deployment.groups()?.len() == before, "a refused push left a group behind");
    Ok(())
}

fn lists(deployment: &Deployment<'_>) -> Result<()> {
    let text = deployment.prompush_ends(&["list", "--json"], "", 0)?;
    let list: Value = serde_json::from_str(&text)?;
    let groups = list.as_array().or_else(|| list["groups"].as_array());
    let labels: Vec<&Value> = groups.into_iter().flatten().map(|group| &group["labels"]).collect();
    for expected in deployment.groups()? {
        ensure!(labels.contains(&&expected), "`{expected}` is not in the list: {text}");
    }
    let table = deployment.prompush_ends(&["list"], "", 0)?;
    ensure!(table.contains("host-1:7"), "the table names no `host-1:7`: {table}");
    Ok(())
}

fn deletes(deployment: &Deployment<'_>) -> Result<()> {
    deployment.prompush_ends(
        &["delete", "--job", "gptme", "--group", "instance=host-1:7"],
        "",
        0,
    )?;
    wait_for_values(deployment, "gptme_tokens_total", &[])?;
    group_exists(deployment, &json!({"job": "nightly"}))
}

fn deletes_glob(deployment: &Deployment<'_>) -> Result<()> {
    for job in ["gptme-101", "gptme-102", "keep-gptme-1"] {
        deployment.prompush_ends(&["push", "--job", job], BODY, 0)?;
    }
    let tokens = "count by (job) (gptme_tokens_total)";
    let of_job = |job: &str| (json!({"job": job}), "2");
    let all = [of_job("gptme-101"), of_job("gptme-102"), of_job("keep-gptme-1")];
    wait_for_values(deployment, tokens, &all)?;
    let before = deployment.groups()?.len();
    deployment.prompush_ends(&["delete", "--dry-run", "--job", "gptme-*"], "", 0)?;
    ensure!(deployment.groups()?.len() == before, "a dry run deleted something");
    deployment.prompush_ends(&["delete", "--job", "gptme-*"], "", 0)?;
    ensure!(deployment.groups()?.len() == before - 2, "the glob did not delete exactly two groups");
    wait_for_values(deployment, tokens, &[of_job("keep-gptme-1")])
}

fn group_exists(deployment: &Deployment<'_>, labels: &Value) -> Result<()> {
    // A gateway may list a group without an instance as a group with an empty instance.
    let same = |group: &Value| {
        let mut group = group.clone();
        if let Some(group) = group.as_object_mut() {
            group.retain(|name, value| name != "instance" || value != "");
        }
        group == *labels
    };
    let groups = deployment.groups()?;
    ensure!(groups.iter().any(same), "the gateway holds no group `{labels}`: {groups:?}");
    Ok(())
}
