//! Guards: the recorder for Rust agents uses gptme's names, and its metrics arrive.

#[path = "../../examples/agent.rs"]
#[allow(dead_code, reason = "an example has a `main`")]
mod agent;

use std::ffi::OsString;
use std::fs;
use std::time::Duration;

use prompush::decode_path;
use prompush_core::{Format, MetricFamily, MetricValue, parse};
use prompush_gptme::telemetry::{Telemetry, TokenType};
use prompush_gptme::{TelemetryError, instance_name};
use prompush_testing::{Pushgateway, ScriptedServer, Version};

use crate::support::snapshot_path;

const SOON: Duration = Duration::from_secs(10);

fn lookup(variables: &[(&'static str, String)]) -> impl FnMut(&str) -> Option<OsString> {
    let variables = variables.to_vec();
    move |wanted| {
        let found = variables.iter().find(|(name, _)| *name == wanted);
        found.map(|(_, value)| value.into())
    }
}

fn on() -> (&'static str, String) {
    ("GPTME_TELEMETRY_ENABLED", "true".to_owned())
}

/// Runs the example against a gateway; gives the path and the body of its last push.
fn pushed() -> (String, String) {
    let gateway = ScriptedServer::start([]);
    let variables = [on(), ("PUSHGATEWAY_URL", gateway.url())];
    let telemetry = Telemetry::from_lookup(lookup(&variables)).unwrap();
    assert!(telemetry.is_on());
    agent::work(&telemetry, 3, Duration::from_millis(1));
    telemetry.shutdown(SOON).unwrap();
    let requests = gateway.requests();
    let last = requests.last().unwrap();
    assert_eq!(last.method, "PUT");
    (last.target.clone(), last.text())
}

#[test]
fn what_was_recorded_is_pushed_at_the_end() {
    let (target, body) = pushed();
    let key = decode_path(target.strip_prefix("/metrics").unwrap()).unwrap();
    assert_eq!(key.get("job").map(String::as_str), Some("gptme"));
    assert_eq!(key.get("instance"), Some(&instance_name()));
    assert_eq!(key.len(), 2);
    for line in [
        "gptme_tokens_processed_total{token_type=\"input\"} 3600",
        "gptme_tokens_processed_total{token_type=\"output\"} 120",
        "gptme_tokens_processed_total{token_type=\"total\"} 3720",
        "gptme_tokens_total{token_type=\"input\"} 3600",
        "gptme_tokens_total{token_type=\"output\"} 120",
        "gptme_llm_requests_total{provider=\"anthropic\",model=\"claude-sonnet-4-5\",success=\"true\"} 3",
        "gptme_tool_calls_total{tool_name=\"shell\",success=\"true\",tool_format=\"markdown\",error_type=\"\"} 2",
        "gptme_tool_calls_total{tool_name=\"shell\",success=\"false\",tool_format=\"markdown\",error_type=\"TimeoutError\"} 1",
        "gptme_skill_completions_invocations_total{skill_name=\"greet\",surface=\"example\",status=\"completed\",usage_available=\"true\"} 1",
        "gptme_skill_tokens_total{skill_name=\"greet\",surface=\"example\",token_type=\"cache_read_tokens\"} 0",
    ] {
        assert!(body.lines().any(|found| found == line), "{line}\nin\n{body}");
    }
    assert!(!body.contains("gptme_tokens_total{token_type=\"total\"}"), "{body}");
}

#[test]
fn real_gateways_take_it() {
    for version in Version::ALL {
        let Some(gateway) = Pushgateway::start(version) else { return };
        let variables = [on(), ("PUSHGATEWAY_URL", gateway.url().to_owned())];
        let telemetry = Telemetry::from_lookup(lookup(&variables)).unwrap();
        agent::work(&telemetry, 3, Duration::from_millis(1));
        telemetry.shutdown(SOON).unwrap();
        let metrics = gateway.metrics();
        let series = format!(
            "gptme_tokens_total{{instance=\"{}\",job=\"gptme\",token_type=\"input\"}} 3600",
            instance_name()
        );
        assert!(metrics.lines().any(|line| line == series), "{metrics}");
    }
}

/// Compares names, types, help texts, label names and bounds with those in gptme's captures.
#[test]
fn the_catalogue_is_gptmes() {
    let (_, ours) = pushed();
    let ours = parse(ours.as_bytes(), Format::Text).unwrap();
    let mut compared = Vec::new();
    for name in ["skill", "openai-cost", "tool-errors"] {
        let theirs = fs::read(snapshot_path(name)).unwrap();
        let theirs = parse(&theirs, Format::Text).unwrap();
        for family in theirs.families.iter().filter(|family| family.name.starts_with("gptme_")) {
            let mine = ours.family(&family.name).unwrap_or_else(|| panic!("{}", family.name));
            assert_eq!(mine.help, family.help, "{}", family.name);
            assert_eq!(mine.metric_type, family.metric_type, "{}", family.name);
            assert_eq!(label_names(mine), label_names(family), "{}", family.name);
            assert_eq!(bounds(mine), bounds(family), "{}", family.name);
            compared.push(family.name.to_string());
        }
    }
    compared.sort();
    compared.dedup();
    assert_eq!(compared.len(), 11, "{compared:?}");
}

/// The label names of all metrics, without `error_type`, which only failures have.
fn label_names(family: &MetricFamily<'_>) -> Vec<String> {
    let labels = family.metrics.iter().flat_map(|metric| &metric.labels);
    let mut names: Vec<String> =
        labels.map(|(name, _)| name.to_owned()).filter(|name| name != "error_type").collect();
    names.sort();
    names.dedup();
    names
}

fn bounds(family: &MetricFamily<'_>) -> Vec<f64> {
    match family.metrics.first().map(|metric| &metric.value) {
        Some(MetricValue::Histogram(value)) => {
            value.buckets.iter().map(|bucket| bucket.upper_bound).collect()
        }
        _ => Vec::new(),
    }
}

#[test]
fn the_programs_own_metrics_go_the_same_way() {
    let gateway = ScriptedServer::start([]);
    let variables = [on(), ("PUSHGATEWAY_URL", gateway.url())];
    let telemetry = Telemetry::from_lookup(lookup(&variables)).unwrap();
    let rows = telemetry.registry().counter("rows_total", "Rows.").unwrap();
    rows.inc();
    telemetry.flush(SOON).unwrap();
    assert!(gateway.requests().last().unwrap().text().contains("\nrows_total 1\n"));
    telemetry.shutdown(SOON).unwrap();
}

#[test]
fn telemetry_that_is_off_does_nothing() {
    for variables in [
        vec![],
        vec![("GPTME_TELEMETRY_ENABLED", "false".to_owned())],
        vec![("PUSHGATEWAY_URL", "http://127.0.0.1:1".to_owned())],
    ] {
        let telemetry = Telemetry::from_lookup(lookup(&variables)).unwrap();
        assert!(!telemetry.is_on());
        telemetry.tokens(TokenType::Input, 1);
        agent::work(&telemetry, 2, Duration::ZERO);
        telemetry.shutdown(Duration::ZERO).unwrap();
    }
}

#[test]
fn a_gateway_that_is_down_is_an_error_at_the_end_and_no_earlier() {
    let address = prompush_testing::free_address();
    let variables = [on(), ("PUSHGATEWAY_URL", format!("http://{address}"))];
    let telemetry = Telemetry::from_lookup(lookup(&variables)).unwrap();
    agent::work(&telemetry, 2, Duration::ZERO);
    let error = telemetry.shutdown(Duration::from_millis(500)).unwrap_err();
    assert!(matches!(error, TelemetryError::Push(_)), "{error}");
}

#[test]
fn a_wrong_variable_is_named() {
    let variables = [on(), ("PROMPUSH_INTERVAL", "1".to_owned())];
    let error = Telemetry::from_lookup(lookup(&variables)).unwrap_err();
    assert!(error.to_string().contains("`PROMPUSH_INTERVAL` is `1`"), "{error}");
}

#[cfg(not(feature = "serve"))]
#[test]
fn nowhere_to_go_is_an_error() {
    let error = Telemetry::from_lookup(lookup(&[on()])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "telemetry is on and has nowhere to go: set `PUSHGATEWAY_URL`, or build with the feature \
         `serve`"
    );
}

#[cfg(feature = "serve")]
mod serve {
    use std::net::{SocketAddr, TcpListener};

    use super::*;
    use prompush_testing::http;

    fn on_port(host: &str, port: u16) -> Result<Telemetry, TelemetryError> {
        let variables =
            [on(), ("PROMETHEUS_ADDR", host.to_owned()), ("PROMETHEUS_PORT", port.to_string())];
        Telemetry::from_lookup(lookup(&variables))
    }

    #[test]
    fn metrics_are_served_where_the_variables_say() {
        let address: SocketAddr = prompush_testing::free_address();
        let telemetry = on_port("127.0.0.1", address.port()).unwrap();
        assert_eq!(telemetry.addresses(), [address]);
        telemetry.tokens(TokenType::Input, 5);
        let answer = http::get(address, "/metrics").unwrap();
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), Some(Format::Text.content_type()));
        assert!(answer.text().contains("\ngptme_tokens_total{token_type=\"input\"} 5\n"));
        let accept = [("Accept", "application/openmetrics-text;version=1.0.0,*/*;q=0.1")];
        let answer = http::request(address, "GET", "/metrics", &accept, &[]).unwrap();
        assert!(answer.text().ends_with("# EOF\n"));
        parse(&answer.body, Format::OpenMetrics).unwrap();
        assert_eq!(http::get(address, "/").unwrap().status, 404);
        assert_eq!(http::request(address, "PUT", "/metrics", &[], &[]).unwrap().status, 405);
        telemetry.shutdown(SOON).unwrap();
        assert!(http::get(address, "/metrics").is_err(), "still served after the end");
    }

    #[test]
    fn a_port_that_is_taken_is_an_error_that_names_its_holder() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        // `localhost` may have a second address whose port is free.
        for host in ["127.0.0.1", "localhost"] {
            let error = on_port(host, port).unwrap_err();
            let TelemetryError::PortTaken { port: taken, holder, .. } = &error else {
                panic!("{error}")
            };
            assert_eq!(*taken, port);
            #[cfg(target_os = "linux")]
            {
                assert_eq!(holder.as_ref().unwrap().pid, std::process::id());
                let words = format!(
                    "cannot serve metrics on `{host}:{port}`: port {port} is taken by process {} (`",
                    std::process::id()
                );
                assert!(error.to_string().starts_with(&words), "{error}");
            }
        }
    }

    #[test]
    fn an_address_of_another_machine_is_an_error() {
        let error = on_port("192.0.2.1", prompush_testing::free_address().port()).unwrap_err();
        assert!(matches!(error, TelemetryError::Listen { .. }), "{error}");
    }
}
