//! Guards: gptme's metrics get the names of its documentation, and its rules and second token
//! counter do what they say.

use std::sync::Arc;

use prompush_gptme::default_rules;
use prompush_otlp::Instance;
use prompush_testing::otlp_body::{
    CUMULATIVE, Message, Span, buckets, counter, histogram_in, integer, sum_in,
};

use crate::support::{ingest, text};

/// The samples that are not prompush's own.
fn samples(rules: &str, metrics: &[Message]) -> String {
    let instance = Instance::new(Arc::new(default_rules().with_text(rules).unwrap()));
    ingest(&instance, metrics);
    let text = text(&instance);
    let theirs = |line: &&str| !line.starts_with('#') && !line.starts_with("prompush_");
    text.lines().filter(theirs).collect::<Vec<_>>().join("\n")
}

#[track_caller]
fn check_name(name: &str, unit: &str, kind: &str, expected: &str) {
    let span = Span(1, 9);
    let point = [integer(&[], span, 1)];
    let metric = match kind {
        "counter" => sum_in(unit, name, CUMULATIVE, true, &point),
        "up and down" => sum_in(unit, name, CUMULATIVE, false, &point),
        _ => {
            let point = buckets(&[], span, 1.0, &[1.0], &[1, 1]);
            histogram_in(unit, name, CUMULATIVE, &[point])
        }
    };
    let instance = Instance::new(Arc::new(default_rules().instrumentation(true)));
    ingest(&instance, &[metric]);
    let text = text(&instance);
    assert!(text.contains(&format!("# TYPE {expected} ")), "{name}: {text}");
}

#[test]
fn gptmes_names_are_those_of_its_docs() {
    check_name("gptme_tokens_processed", "tokens", "counter", "gptme_tokens_processed_total");
    check_name("gptme_tool_calls", "calls", "counter", "gptme_tool_calls_total");
    check_name("gptme_llm_requests", "requests", "counter", "gptme_llm_requests_total");
    check_name(
        "gptme_tool_duration_seconds",
        "seconds",
        "histogram",
        "gptme_tool_duration_seconds",
    );
    check_name("gptme_llm_cost_usd", "USD", "counter", "gptme_llm_cost_usd_USD_total");
    check_name("gptme_skill_cost_usd", "USD", "counter", "gptme_skill_cost_usd_USD_total");
    check_name(
        "gptme_skill_invocations",
        "invocations",
        "counter",
        "gptme_skill_invocations_total",
    );
    check_name(
        "gptme_skill_completions",
        "invocations",
        "counter",
        "gptme_skill_completions_invocations_total",
    );
    check_name("gptme_skill_tokens", "tokens", "counter", "gptme_skill_tokens_total");
    check_name(
        "gptme_active_conversations",
        "conversations",
        "up and down",
        "gptme_active_conversations",
    );
}

#[test]
fn token_counts_and_cost_become_no_labels_of_gptmes_metrics() {
    let point = || [integer(&[("cost", "0.1"), ("model", "m")], Span(1, 9), 1)];
    assert_eq!(
        samples("", &[counter("gptme_llm_requests", &point())]),
        "gptme_llm_requests_total{model=\"m\"} 1"
    );
    assert_eq!(
        samples("", &[counter("shop_sales", &point())]),
        "shop_sales_total{cost=\"0.1\",model=\"m\"} 1"
    );
}

#[test]
fn tokens_answer_by_their_short_name_too() {
    let of = |token_type, value| integer(&[("token_type", token_type)], Span(1, 9), value);
    let metrics =
        [counter("gptme_tokens_processed", &[of("input", 3), of("output", 2), of("total", 5)])];
    let short = samples("", &metrics);
    assert_eq!(short.lines().filter(|line| line.starts_with("gptme_tokens_total")).count(), 2);
    let off = samples("drop metric gptme_tokens_total", &metrics);
    assert!(!off.contains("gptme_tokens_total"));
    assert_eq!(off.lines().count(), 3);
}
