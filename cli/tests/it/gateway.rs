//! `prompush gateway` as a process.

use prompush_testing::http;
use rustix::process::Signal;

use crate::support::{OurGateway, WAIT_MAX, run};

#[test]
fn it_ends_at_both_signals() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut gateway = OurGateway::start(&["--log.level=debug"]);
        assert_eq!(http::get(gateway.address(), "/-/ready").expect("an answer").status, 200);
        gateway.process.signal(signal);
        assert_eq!(gateway.process.wait(WAIT_MAX).code(), Some(0));
    }
}

#[test]
fn a_taken_port_is_named() {
    let first = OurGateway::start(&[]);
    let address = first.address().to_string();
    let done = run(&["gateway", &format!("--web.listen-address={address}")], "").expect_code(1);
    assert!(
        done.stderr.starts_with(&format!("error: cannot listen on `{address}`\n  cause: ")),
        "{}",
        done.stderr
    );
    assert!(done.stderr.contains("hint: another program uses the port"), "{}", done.stderr);
}

#[test]
fn flags_are_those_of_the_pushgateway() {
    let gateway = OurGateway::start(&[
        "--persistence.file=",
        "--web.enable-lifecycle",
        "--web.enable-admin-api",
    ]);
    run(&["push", "--job", "x", "--gateway", &gateway.url], "a 1").expect_code(0);
    let wiped =
        http::request(gateway.address(), "PUT", "/api/v1/admin/wipe", &[], b"").expect("an answer");
    assert_eq!(wiped.status, 202);
    let mut gateway = gateway;
    let quit = http::request(gateway.address(), "PUT", "/-/quit", &[], b"").expect("an answer");
    assert_eq!(quit.status, 200);
    assert_eq!(gateway.process.wait(WAIT_MAX).code(), Some(0));

    let done = run(&["gateway", "--persistence.file=/tmp/x"], "").expect_code(2);
    assert!(done.stderr.contains("keeps metrics only in memory"), "{}", done.stderr);
    let done = run(&["gateway", "--metric.expiration=5w"], "").expect_code(2);
    assert!(done.stderr.contains("such as `30s`"), "{}", done.stderr);
    let done = run(&["gateway", "--web.listen-address=nowhere"], "").expect_code(1);
    assert!(done.stderr.starts_with("error: cannot listen on `nowhere`"), "{}", done.stderr);
}

#[test]
fn an_expiration_may_be_in_days() {
    let gateway = OurGateway::start(&["--metric.expiration=7d"]);
    let status = http::request(gateway.address(), "GET", "/api/v1/status", &[], b"");
    let status = status.expect("an answer").text();
    assert!(status.contains(r#""metric.expiration":"604800s""#), "{status}");
}

#[test]
fn groups_expire() {
    let gateway = OurGateway::start(&["--metric.expiration=300ms"]);
    run(&["push", "--job", "x", "--gateway", &gateway.url], "a 1").expect_code(0);
    prompush_testing::wait_until(WAIT_MAX, "the group expires", || {
        run(&["list", "--json", "--gateway", &gateway.url], "").expect_code(0).stdout == "[]\n"
    });
}
