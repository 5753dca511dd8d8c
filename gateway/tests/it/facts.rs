//! Guards that our gateway answers like Pushgateway 1.11.2 in each case of `facts.json`, and that each difference is
//! intended: it has a reason there, and `docs/gateway-differences.md` lists it.
//!
//! If the real gateway is available, a test runs the cases against it too.

use std::net::SocketAddr;

use crate::support::{INCONSISTENT, TestServer, admin_config, groups, pushed_part, wipe};
use prompush_testing::{Pushgateway, Version, http};
use serde_json::Value;

const TABLE: &str = include_str!("facts.json");
const DIFFERENCES: &str = include_str!("../../../docs/gateway-differences.md");

/// The effect of the requests of a case on a gateway.
#[derive(Debug, PartialEq)]
struct Outcome {
    /// The status of each response. Zero means that the connection was closed without a response.
    status: Vec<u16>,
    /// The first line of the last response, if it is an error. A line that begins with [`INCONSISTENT`] is cut there.
    error: Option<String>,
    location: Option<String>,
    allow: Option<String>,
    /// The pushed part of a scrape after the requests. `None` if the scrape fails.
    exposition: Option<Vec<String>>,
    groups: Value,
}

fn cases() -> Vec<Value> {
    let table: Value = serde_json::from_str(TABLE).expect("the table is JSON");
    table.as_array().expect("a list of cases").clone()
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn string(value: &Value) -> &str {
    value.as_str().expect("a string")
}

/// The outcome that the table expects. The field `ours` of a case has what differs for our gateway.
fn expected(case: &Value, is_ours: bool) -> Outcome {
    let field = |name: &str| match case["ours"].get(name) {
        Some(value) if is_ours => value,
        _ => &case[name],
    };
    let status = field("status").as_array().expect("a list of statuses");
    let lines = field("exposition").as_array();
    Outcome {
        status: status
            .iter()
            .map(|status| u16::try_from(status.as_u64().expect("a number")).expect("a status"))
            .collect(),
        error: text(field("error")),
        location: text(field("location")),
        allow: text(field("allow")),
        exposition: lines.map(|lines| lines.iter().filter_map(text).collect()),
        groups: field("groups").clone(),
    }
}

fn body(request: &Value) -> Vec<u8> {
    if let Some(hex) = request["body_hex"].as_str() {
        let bytes = hex.as_bytes().chunks(2);
        let byte = |pair| {
            u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16).expect("hex digits")
        };
        return bytes.map(byte).collect();
    }
    request["body"].as_str().unwrap_or_default().as_bytes().to_vec()
}

fn send(address: SocketAddr, request: &Value) -> Option<http::Response> {
    let (method, target) = (string(&request["method"]), string(&request["target"]));
    let body = body(request);
    let mut bytes = format!("{method} {target} HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n")
        .into_bytes();
    for header in request["headers"].as_array().into_iter().flatten() {
        bytes.extend_from_slice(string(header).as_bytes());
        bytes.extend_from_slice(b"\r\n");
    }
    if !body.is_empty() || matches!(method, "PUT" | "POST") {
        bytes.extend_from_slice(format!("Content-Length: {}\r\n", body.len()).as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(&body);
    http::exchange(address, &bytes).ok()
}

/// Waits until a delete is done. The real gateway puts deletes and pushes into one queue, and answers a push when the
/// push has left the queue.
fn settle(address: SocketAddr) {
    http::request(address, "PUT", "/metrics/job/settled", &[], b"").expect("an answer");
}

fn outcome(address: SocketAddr, case: &Value) -> Outcome {
    let answers: Vec<Option<http::Response>> = case["requests"]
        .as_array()
        .expect("a list of requests")
        .iter()
        .map(|request| send(address, request))
        .collect();
    if case["requests"].to_string().contains("DELETE") {
        settle(address);
    }
    let mut groups = groups(address);
    if let Some(groups) = groups.as_array_mut() {
        groups.retain(|group| group["labels"]["job"] != "settled");
    }
    let status =
        answers.iter().map(|answer| answer.as_ref().map_or(0, |answer| answer.status)).collect();
    let last = answers.into_iter().next_back().flatten();
    let header = |name| last.as_ref().and_then(|last| last.header(name)).map(str::to_owned);
    let error = last.as_ref().filter(|last| last.status >= 400 && !last.body.is_empty());
    let error = error.map(|last| {
        let text = last.text();
        let line = text.lines().next().unwrap_or_default().to_owned();
        if line.starts_with(INCONSISTENT) && !line.contains("timestamps") {
            return INCONSISTENT.to_owned();
        }
        line
    });
    Outcome {
        status,
        error,
        location: header("location"),
        allow: header("allow"),
        exposition: pushed_part(address),
        groups,
    }
}

/// Runs every case, and describes each one with an unexpected outcome.
fn failures(address: SocketAddr, is_ours: bool) -> Vec<String> {
    let mut failures = Vec::new();
    for case in cases() {
        wipe(address);
        let (mut expected, mut got) = (expected(&case, is_ours), outcome(address, &case));
        // If `ours` has the error `null`, our text is not fixed.
        if is_ours && case["ours"].get("error").is_some_and(Value::is_null) {
            got.error = None;
        }
        // The real gateway shows the help text of any of the groups.
        if !is_ours && case["help_is_random"] == true {
            for lines in [&mut got.exposition, &mut expected.exposition].into_iter().flatten() {
                lines.retain(|line| !line.starts_with("# HELP "));
            }
        }
        if got != expected {
            failures
                .push(format!("{}:\n  expected {expected:?}\n       got {got:?}", case["case"]));
        }
    }
    failures
}

#[test]
fn our_gateway_answers_as_the_table_says() {
    let gateway = TestServer::start_with(admin_config());
    let failures = failures(gateway.address, true);
    assert!(failures.is_empty(), "{} cases:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn the_real_gateway_answers_as_the_table_says() {
    let arguments = ["--web.enable-admin-api"];
    let Some(gateway) = Pushgateway::start_with(Version::Sid, &arguments) else { return };
    let failures = failures(gateway.address(), false);
    assert!(failures.is_empty(), "{} cases:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn without_the_check_success_is_202_and_the_check_is_made_all_the_same() {
    let mut config = admin_config();
    config.disable_consistency_check = true;
    let gateway = TestServer::start_with(config);
    for case in cases() {
        wipe(gateway.address);
        let mut expected = expected(&case, true);
        let methods = case["requests"].as_array().unwrap().iter().map(|request| &request["method"]);
        for (status, method) in expected.status.iter_mut().zip(methods) {
            if *status == 200 && matches!(method.as_str(), Some("PUT" | "POST")) {
                *status = 202;
            }
        }
        let got = outcome(gateway.address, &case);
        assert_eq!(got.status, expected.status, "{}", case["case"]);
        assert_eq!(got.exposition, expected.exposition, "{}", case["case"]);
    }
}

#[test]
fn the_differences_are_exactly_those_that_the_docs_list() {
    let mut in_table = Vec::new();
    for case in cases() {
        let name = case["case"].as_str().expect("a name");
        let reason = case["because"].as_str();
        assert_eq!(
            case.get("ours").is_some(),
            reason.is_some(),
            "{name}: a reason for each difference"
        );
        if let Some(reason) = reason {
            in_table.push(format!("- {name}: {reason}"));
        }
    }
    let section = DIFFERENCES.split("## In the table of cases\n").nth(1).expect("the section");
    let section = section.split("\n## ").next().unwrap_or_default();
    let listed: Vec<&str> = section.lines().filter(|line| line.starts_with("- ")).collect();
    assert_eq!(listed, in_table);
}
