//! Guards the metrics of a pusher about itself, and that the documentation names existing metrics.

use std::collections::BTreeSet;
use std::time::Duration;

use prompush::{
    Encoder, Format, GatewayConfig, GroupingKey, Outbox, Pusher, Registry, SelfMetrics,
};
use prompush_testing::{Answer, Pushgateway, ScriptedServer, Version, free_address};
use tempfile::tempdir;

use crate::support;
use crate::support::SOON;

const DOCUMENT: &str = include_str!("../../../docs/self-metrics.md");

fn config() -> GatewayConfig {
    let config = support::config().retry_delay_min(Duration::from_millis(1));
    config.retry_delay_max(Duration::from_millis(10))
}

fn text(metrics: &SelfMetrics) -> String {
    let mut encoder = Encoder::new(Format::Text);
    String::from_utf8_lossy(encoder.encode(metrics).expect("it encodes")).into_owned()
}

/// The value of a series, as text.
#[track_caller]
fn value(metrics: &SelfMetrics, series: &str) -> String {
    let text = text(metrics);
    let value = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    value.expect("the series is there").to_owned()
}

#[test]
fn attempts_are_counted_by_outcome() {
    let script = [503, 503, 200, 400].map(Answer::status);
    let server = ScriptedServer::start(script);
    let outbox = Outbox::builder(&server.url()).unwrap().config(config()).spawn().unwrap();
    let metrics = outbox.metrics().clone();
    assert_eq!(value(&metrics, "prompush_push_last_success_timestamp_seconds"), "0");
    let key = GroupingKey::new("x").unwrap();
    let rows = Registry::new();
    rows.gauge("rows", "").unwrap().set(1.0);
    outbox.push(&key, &rows).unwrap();
    outbox.flush(SOON).unwrap();
    outbox.add(&key, &rows).unwrap();
    outbox.flush(SOON).unwrap_err();
    let attempts = |outcome| {
        value(&metrics, &format!("prompush_push_attempts_total{{outcome=\"{outcome}\"}}"))
    };
    assert_eq!(
        [attempts("acknowledged"), attempts("failed"), attempts("refused")],
        ["1", "2", "1"]
    );
    assert_eq!(value(&metrics, "prompush_push_retries_total"), "2");
    assert_eq!(value(&metrics, "prompush_push_duration_seconds_count"), "4");
    assert_eq!(value(&metrics, "prompush_push_body_bytes"), "25");
    let last = value(&metrics, "prompush_push_last_success_timestamp_seconds");
    assert!(last.parse::<f64>().unwrap() > 1.7e9, "{last}");
    drop(outbox);
}

#[test]
fn one_failing_gateway_of_several_shows() {
    let dir = tempdir().unwrap();
    let server = ScriptedServer::start([]);
    let outbox = Outbox::builder(&server.url()).unwrap().config(config()).spool(dir.path());
    let dead = format!("http://{}", free_address());
    let outbox = outbox.gateway(&dead).unwrap().spawn().unwrap();
    let metrics = outbox.metrics().clone();
    for job in ["x", "y"] {
        outbox.push(&GroupingKey::new(job).unwrap(), &Registry::new()).unwrap();
    }
    outbox.shutdown(Duration::from_millis(300)).unwrap_err();
    assert_eq!(value(&metrics, "prompush_push_attempts_total{outcome=\"acknowledged\"}"), "2");
    assert_eq!(value(&metrics, "prompush_push_last_success_timestamp_seconds"), "0");
    assert_eq!(value(&metrics, "prompush_push_spooled_groups"), "2");
}

#[test]
fn self_metrics_are_pushed_along_if_configured() {
    for gateway in Version::ALL.into_iter().filter_map(Pushgateway::start) {
        let start = |along| {
            let builder = Pusher::builder(gateway.url(), "x").unwrap().config(config());
            builder.self_metrics(along).spawn(Registry::new()).unwrap()
        };
        start(false).shutdown(SOON).unwrap();
        assert!(!gateway.metrics().contains("prompush_push_"));
        let pusher = start(true);
        pusher.flush(SOON).unwrap();
        pusher.flush(SOON).unwrap();
        let exposed = gateway.metrics();
        let line =
            "prompush_push_attempts_total{instance=\"\",job=\"x\",outcome=\"acknowledged\"} ";
        assert!(exposed.contains(line) && !exposed.contains(&format!("{line}0")), "{exposed}");
        pusher.shutdown(SOON).unwrap();
    }
}

/// The words in a text that look like names of these metrics, without the suffixes of histograms.
fn names_in(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let names = words.filter(|word| word.starts_with("prompush_"));
    let plain = |name: &str| {
        let suffixes = ["_bucket", "_sum", "_count"];
        suffixes.iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name).to_owned()
    };
    names.map(plain).collect()
}

#[test]
fn the_documentation_names_existing_metrics() {
    let outbox = Outbox::builder("http://127.0.0.1:1").unwrap().spawn().unwrap();
    let there = names_in(&text(outbox.metrics()));
    assert_eq!(there.len(), 6);
    assert_eq!(names_in(DOCUMENT), there);
    let (_, alerts) = DOCUMENT.split_once("```yaml").unwrap();
    let expressions = alerts.lines().filter(|line| line.trim_start().starts_with("expr:"));
    for line in expressions {
        assert!(!names_in(line).is_empty(), "{line}");
        for outcome in line.split("outcome=\"").skip(1) {
            let outcome = outcome.split('"').next().unwrap();
            assert!(text(outbox.metrics()).contains(&format!("outcome=\"{outcome}\"")), "{line}");
        }
    }
}
