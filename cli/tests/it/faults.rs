//! Gateways that are down, slow, or no gateways.

use std::time::{Duration, Instant};

use prompush_testing::{Answer, ScriptedServer, free_address};

use crate::support::{Run, prompush, run, run_command};

#[track_caller]
fn push(server: &ScriptedServer, timeout: &str) -> Run {
    run(&["push", "--job", "x", "--gateway", &server.url(), "--timeout", timeout], "a 1")
}

#[test]
fn a_gateway_that_is_down_is_69() {
    let url = format!("http://{}", free_address());
    let done = run(&["push", "--job", "x", "--gateway", &url, "--timeout", "500ms"], "a 1")
        .expect_code(69);
    let start = format!(
        "error: cannot push 1 metric family to `{url}/metrics/job/x`: gateway cannot be reached"
    );
    assert!(done.stderr.starts_with(&start), "{}", done.stderr);
    assert!(done.stderr.contains("\n  cause: "), "{}", done.stderr);
    assert!(done.stderr.contains("\nhint: "), "{}", done.stderr);
    for command in [&["list"][..], &["delete", "--job", "x"], &["delete", "--job", "*"]] {
        run(&[command, &["--gateway", &url, "--timeout", "300ms"]].concat(), "").expect_code(69);
    }
}

#[test]
fn a_refusal_is_1_with_the_gateways_words() {
    let server =
        ScriptedServer::start([Answer::status(400).body("pushed metrics are \u{1b}[31m invalid")]);
    let done = push(&server, "5s").expect_code(1);
    assert!(done.stderr.contains("gateway answered 400"), "{}", done.stderr);
    assert!(done.stderr.contains("pushed metrics are \\u{1b}[31m invalid"), "{}", done.stderr);
    assert_eq!(server.requests().len(), 1, "a refusal is final");
}

#[test]
fn a_busy_gateway_is_tried_again() {
    let busy = || Answer::status(503).header("Retry-After", "0");
    let server = ScriptedServer::start([busy(), busy(), Answer::status(200)]);
    let done = push(&server, "20s").expect_code(0);
    assert!(done.stderr.ends_with(" (3 attempts)\n"), "{}", done.stderr);
    assert_eq!(server.requests().len(), 3);

    let server = ScriptedServer::start([busy()]);
    let done = push(&server, "300ms").expect_code(69);
    assert!(done.stderr.contains("gateway answered 503"), "{}", done.stderr);
    assert!(server.requests().len() > 1);
}

#[test]
fn a_redirect_is_not_followed() {
    let server = ScriptedServer::start([Answer::status(301).header("Location", "/elsewhere")]);
    let done = push(&server, "5s").expect_code(1);
    assert!(done.stderr.contains("gateway answered 301"), "{}", done.stderr);
    assert!(done.stderr.contains("/elsewhere"), "{}", done.stderr);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn what_is_no_gateway_is_said_to_be_none() {
    let garbage = ScriptedServer::start([Answer::Bytes(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec())]);
    let done = push(&garbage, "3s").expect_code(1);
    assert!(done.stderr.contains("not one of a Pushgateway"), "{}", done.stderr);
    let page = ScriptedServer::start([Answer::status(200).body("<html><body>hello</body></html>")]);
    push(&page, "3s").expect_code(1);
    let done = run(&["list", "--gateway", &page.url(), "--timeout", "3s"], "").expect_code(1);
    assert!(done.stderr.contains("not one of a Pushgateway"), "{}", done.stderr);
}

#[test]
fn a_closed_connection_ends_in_69() {
    let server = ScriptedServer::start([Answer::CloseAfterBody]);
    let done = push(&server, "5s").expect_code(69);
    assert!(done.stderr.contains("closed the connection"), "{}", done.stderr);
    assert!(done.stderr.contains("Debian 13"), "{}", done.stderr);
}

#[test]
fn a_silent_gateway_ends_with_the_timeout() {
    let server = ScriptedServer::start([Answer::Hang]);
    let done = push(&server, "400ms").expect_code(69);
    assert!(done.stderr.contains("no answer in time"), "{}", done.stderr);
    assert!(done.stderr.contains("allow more with `--timeout`"), "{}", done.stderr);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "how long a process takes is on the real clock")]
fn the_list_and_the_deletion_share_the_time() {
    let server = ScriptedServer::start([Answer::status(500)]);
    let url = server.url();
    let start = Instant::now();
    run(&["delete", "--job", "x", "--gateway", &url, "--timeout", "4s"], "").expect_code(69);
    assert!(start.elapsed() < Duration::from_secs(7), "{:?}", start.elapsed());
    let methods: Vec<String> = server.requests().into_iter().map(|r| r.method).collect();
    assert_eq!(methods.first().map(String::as_str), Some("GET"), "{methods:?}");
    assert!(methods.iter().filter(|method| *method == "DELETE").count() > 1, "{methods:?}");

    let silent = ScriptedServer::start([Answer::Hang]);
    let url = silent.url();
    let start = Instant::now();
    run(&["delete", "--job", "x", "--gateway", &url, "--timeout", "2s"], "").expect_code(69);
    assert!(start.elapsed() >= Duration::from_millis(1900), "{:?}", start.elapsed());
}

#[test]
fn a_group_is_deleted_though_the_list_is_hidden() {
    let server = ScriptedServer::start([Answer::status(403), Answer::status(202)]);
    let url = server.url();
    let delete = ["delete", "--job", "x", "--group", "instance=", "--gateway", &url];
    let done = run(&delete, "").expect_code(0);
    assert!(
        done.stderr.starts_with("warning: the gateway does not list its groups"),
        "{}",
        done.stderr
    );
    let requests = server.requests();
    assert_eq!(requests[1].method, "DELETE");
    assert_eq!(requests[1].target, "/metrics/job/x/instance@base64/=");
}

#[test]
fn a_bad_environment_is_named() {
    for (value, shown) in
        [("ftp://x", "`ftp://x`"), ("http://", "`http://`"), ("http://u:secret@", "***")]
    {
        let mut command = prompush(&["list"]);
        let done = run_command(command.env("PUSHGATEWAY_URL", value), "").expect_code(2);
        let start = "error: environment variable `PUSHGATEWAY_URL` has the value ";
        assert!(done.stderr.starts_with(start), "{}", done.stderr);
        assert!(done.stderr.contains(shown) && done.stderr.contains("expected"), "{}", done.stderr);
        assert!(!done.stderr.contains("secret"), "{}", done.stderr);
    }
}

#[test]
fn what_would_be_refused_is_never_sent() {
    let server = ScriptedServer::start([]);
    for body in ["a b\n", "a 1\na 2\n", "a 1 160\n", "", "a{__b=\"1\"} 1\n"] {
        run(&["push", "--job", "x", "--gateway", &server.url()], body).expect_code(1);
    }
    assert_eq!(server.connections(), 0);
}
