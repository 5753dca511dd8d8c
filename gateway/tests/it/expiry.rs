//! Guards that a group expires after its lifetime, its own or the configured one, that no response shows an expired
//! group, and that no other group expires. A test moves the clock by hand.

use std::sync::Arc;
use std::time::Duration;

use crate::support::{ManualClock, TestServer};
use prompush_gateway::Config;
use prompush_testing::http;
use serde_json::json;

const LIFETIME: Duration = Duration::from_mins(5);
const JUST_LESS: Duration = Duration::from_millis(299_999);
const A_BIT: Duration = Duration::from_millis(1);

fn start(lifetime: Option<Duration>) -> (TestServer, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::default());
    let mut config = Config::default();
    config.metric_expiration = lifetime;
    (TestServer::start_with_clock(config, &clock), clock)
}

#[track_caller]
fn assert_jobs(gateway: &TestServer, expected: &[&str]) {
    let groups = gateway.groups();
    let groups = groups.as_array().expect("a list");
    let jobs: Vec<&str> =
        groups.iter().map(|group| group["labels"]["job"].as_str().expect("a job")).collect();
    assert_eq!(jobs, expected);
    let text = http::get(gateway.address, "/metrics").expect("an answer").text();
    let exposed: Vec<&str> = text
        .lines()
        .filter_map(|line| {
            line.strip_prefix("push_time_seconds{instance=\"\",job=\"")?.split('"').next()
        })
        .collect();
    assert_eq!(exposed, expected);
}

#[test]
fn a_group_goes_when_its_last_success_is_too_old() {
    let (gateway, clock) = start(Some(LIFETIME));
    assert_eq!(gateway.put("/metrics/job/a", "foo 1\n").status, 200);
    clock.advance(JUST_LESS);
    assert_jobs(&gateway, &["a"]);
    clock.advance(A_BIT);
    assert_jobs(&gateway, &[]);
    assert!(gateway.scrape().is_empty());
}

#[test]
fn a_push_prolongs_and_a_refused_one_does_not() {
    let (gateway, clock) = start(Some(LIFETIME));
    for job in ["a", "b", "c"] {
        assert_eq!(gateway.put(&format!("/metrics/job/{job}"), "").status, 200);
    }
    clock.advance(JUST_LESS);
    assert_eq!(gateway.request("POST", "/metrics/job/b", b"").status, 200);
    assert_eq!(gateway.put("/metrics/job/c", "foo 1 1\n").status, 400);
    clock.advance(A_BIT);
    assert_jobs(&gateway, &["b"]);
}

#[test]
fn a_group_that_never_succeeded_goes_after_its_last_failure() {
    let (gateway, clock) = start(Some(LIFETIME));
    assert_eq!(gateway.put("/metrics/job/a", "foo 1 1\n").status, 400);
    clock.advance(JUST_LESS);
    assert_eq!(gateway.put("/metrics/job/a", "foo 1 1\n").status, 400);
    clock.advance(JUST_LESS);
    assert_jobs(&gateway, &["a"]);
    clock.advance(A_BIT);
    assert_jobs(&gateway, &[]);
}

#[test]
fn a_group_says_its_own_lifetime() {
    let (gateway, clock) = start(Some(LIFETIME));
    for (job, ttl) in [
        ("long", "600"),
        ("never", "+Inf"),
        ("short", "1.5"),
        ("wrong", "-1"),
        ("zero", "0"),
        ("nan", "NaN"),
    ] {
        let body = format!("# TYPE push_ttl_seconds gauge\npush_ttl_seconds {ttl}\n");
        assert_eq!(gateway.put(&format!("/metrics/job/{job}"), &body).status, 200);
    }
    clock.advance(Duration::from_millis(1499));
    assert_jobs(&gateway, &["long", "nan", "never", "short", "wrong", "zero"]);
    clock.advance(A_BIT);
    assert_jobs(&gateway, &["long", "nan", "never", "wrong", "zero"]);
    clock.advance(LIFETIME);
    assert_jobs(&gateway, &["long", "never"]);
    clock.advance(LIFETIME);
    assert_jobs(&gateway, &["never"]);
}

#[test]
fn a_lifetime_stays_until_the_group_is_replaced() {
    let (gateway, clock) = start(None);
    let body = "# TYPE push_ttl_seconds gauge\npush_ttl_seconds 10\n";
    assert_eq!(gateway.put("/metrics/job/added", body).status, 200);
    assert_eq!(gateway.put("/metrics/job/replaced", body).status, 200);
    assert_eq!(gateway.request("POST", "/metrics/job/added", b"foo 1\n").status, 200);
    assert_eq!(gateway.put("/metrics/job/replaced", "foo 1\n").status, 200);
    clock.advance(Duration::from_secs(10));
    assert_jobs(&gateway, &["replaced"]);
}

#[test]
fn without_a_lifetime_groups_stay() {
    let (gateway, clock) = start(None);
    assert_eq!(gateway.put("/metrics/job/a", "foo 1\n").status, 200);
    clock.advance(Duration::from_hours(24 * 365));
    assert_jobs(&gateway, &["a"]);
}

#[test]
fn an_expired_group_does_not_clash_with_a_new_one() {
    let (gateway, clock) = start(Some(LIFETIME));
    assert_eq!(gateway.put("/metrics/job/a", "# TYPE foo gauge\nfoo 1\n").status, 200);
    clock.advance(LIFETIME);
    assert_eq!(gateway.put("/metrics/job/b", "# TYPE foo counter\nfoo 1\n").status, 200);
    assert_eq!(gateway.groups(), json!([{ "labels": { "job": "b" }, "ok": true }]));
}

#[test]
fn a_deleted_group_does_not_expire_its_successor() {
    let (gateway, clock) = start(Some(LIFETIME));
    assert_eq!(gateway.put("/metrics/job/a", "foo 1\n").status, 200);
    clock.advance(JUST_LESS);
    assert_eq!(gateway.request("DELETE", "/metrics/job/a", b"").status, 202);
    assert_eq!(gateway.put("/metrics/job/a", "foo 1\n").status, 200);
    clock.advance(A_BIT);
    assert_jobs(&gateway, &["a"]);
}
