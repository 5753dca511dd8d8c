//! Guards: what gptme up to 0.28 and gptme-server show becomes what a strict parser takes.
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::fs;

use prompush_core::{Format, GroupingKey, check_push, parse};
use prompush_gptme::scrape::{self, Merged};
use prompush_gptme::{Rules, ScrapeError};
use support::{encode, fixture_path, text};

const BODIES: [&str; 3] = ["gptme-0.28.3", "gptme-0.28.3-tool-errors", "gptme-server-0.35.1"];

fn body(name: &str) -> Vec<u8> {
    fs::read(fixture_path(&format!("../scrape/{name}.prom"))).unwrap()
}

fn merge(text: &str, rules: &str) -> Merged {
    scrape::merge(text.as_bytes(), &Rules::parse(rules).unwrap()).unwrap()
}

#[test]
fn snapshots() {
    for name in BODIES {
        let found = text(&scrape::merge(&body(name), &Rules::default()).unwrap());
        let path = fixture_path(&format!("../snapshots/scrape-{name}.prom"));
        if std::env::var_os("PROMPUSH_WRITE_SNAPSHOTS").is_some() {
            fs::write(&path, &found).unwrap();
        }
        assert_eq!(found, fs::read_to_string(&path).unwrap_or_default(), "{name}");
    }
}

#[test]
fn a_gateway_would_take_every_body() {
    let key = GroupingKey::new("gptme").unwrap().with("instance", "testhost:1").unwrap();
    for name in BODIES {
        for rules in ["", "keep attribute *\nkeep metric *\nlimit series 100000"] {
            let merged = scrape::merge(&body(name), &Rules::parse(rules).unwrap()).unwrap();
            let strict = encode(&merged, Format::Text);
            let exposition = parse(&strict, Format::Text).unwrap();
            assert_eq!(check_push(&exposition, &key), [], "{name}");
        }
    }
}

#[test]
fn nothing_is_lost_that_no_rule_drops() {
    for name in BODIES {
        let body = String::from_utf8(body(name)).unwrap();
        let rules =
            "keep attribute *\nkeep metric *\nlimit series 100000\ndrop metric gptme_tokens_total";
        let merged = merge(&body, rules);
        let samples = body.lines().filter(|line| !line.starts_with('#')).count();
        let found = text(&merged).lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(found, samples, "{name}");
    }
}

#[test]
fn a_second_block_of_one_family_is_merged_and_said() {
    let merged = scrape::merge(&body("gptme-0.28.3-tool-errors"), &Rules::default()).unwrap();
    let said: Vec<String> = merged.mended().iter().map(ToString::to_string).collect();
    assert!(
        said.iter().any(|words| words
            .ends_with("metric family `gptme_tool_calls_total` has a second HELP or TYPE")),
        "{said:?}"
    );
    let clean = scrape::merge(&body("gptme-0.28.3"), &Rules::default()).unwrap();
    assert_eq!(clean.mended(), []);
}

#[test]
fn series_that_fall_together_are_summed() {
    let merged = merge(
        "# TYPE c counter\nc{a=\"1\",b=\"x\"} 1\nc{a=\"1\",b=\"y\"} 2\n\
         # TYPE g gauge\ng{b=\"x\"} 5\ng{b=\"y\"} 3\n\
         # TYPE h histogram\nh_bucket{b=\"x\",le=\"1\"} 1\nh_bucket{b=\"x\",le=\"+Inf\"} 2\n\
         h_sum{b=\"x\"} 3\nh_count{b=\"x\"} 2\nh_bucket{b=\"y\",le=\"1\"} 10\n\
         h_bucket{b=\"y\",le=\"+Inf\"} 20\nh_sum{b=\"y\"} 30\nh_count{b=\"y\"} 20\n",
        "drop attribute b",
    );
    assert_eq!(
        text(&merged),
        "# TYPE c counter\nc{a=\"1\"} 3\n# TYPE g gauge\ng 3\n# TYPE h histogram\n\
         h_bucket{le=\"1\"} 11\nh_bucket{le=\"+Inf\"} 22\nh_sum 33\nh_count 22\n"
    );
    assert_eq!(merged.dropped().len(), 1, "{:?}", merged.dropped());
    assert_eq!(merged.mended(), []);
}

#[test]
fn openmetrics_is_read_as_such() {
    let merged = merge(
        "# TYPE a counter\na_total 1\na_created 5\n# TYPE a counter\na_total{x=\"1\"} 2\n# EOF\n",
        "",
    );
    let text = text(&merged);
    assert!(text.starts_with("# TYPE a_"), "{text}");
    assert!(text.contains("# TYPE a_total counter\na_total 1\n"), "{text}");
    assert_eq!(merged.mended().len(), 1, "{:?}", merged.mended());
}

#[test]
fn the_grouping_keys_labels_are_renamed() {
    let merged = merge("a{job=\"x\",instance=\"y\"} 1\n", "");
    assert!(text(&merged).ends_with("a{exported_instance=\"y\",exported_job=\"x\"} 1\n"));
}

#[test]
fn what_else_is_wrong_is_mended_and_said() {
    let merged = merge("a 1 1700000000000\na 2\n!\nb 3", "");
    assert_eq!(text(&merged), "# TYPE a untyped\na 2\n# TYPE b untyped\nb 3\n");
    let said: Vec<String> = merged.mended().iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "line 3: left out: invalid metric name",
            "metric family `a` has timestamps",
            "line 2: a series of `a` is there twice",
        ]
    );
}

#[test]
fn what_is_no_exposition_is_an_error() {
    let merge = |text: &str| scrape::merge(text.as_bytes(), &Rules::default());
    assert!(matches!(merge("\n<!DOCTYPE html><html></html>"), Err(ScrapeError::WebPage)));
    assert!(matches!(merge("{\"a\": 1}\n"), Err(ScrapeError::Unreadable { .. })));
    assert_eq!(text(&merge("").unwrap()), "");
}

#[test]
fn what_has_the_name_of_anothers_sample_is_dropped() {
    let merged =
        merge("h_count 2\n# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n", "");
    let strict = text(&merged);
    assert!(parse(strict.as_bytes(), Format::Text).is_ok(), "{strict}");
    assert!(strict.contains("samples{cause=\"name_clash\"} 2\n"), "{strict}");
}

#[test]
fn a_label_that_a_gateway_refuses_is_renamed() {
    let merged = merge("a{__b=\"1\",_c=\"2\",d=\"\"} 1\n", "");
    assert!(text(&merged).ends_with("\na{_c=\"2\",key__b=\"1\"} 1\n"));
}

#[test]
fn series_are_limited() {
    let lines: Vec<String> = (0..100).map(|number| format!("a{{x=\"{number}\"}} 1\n")).collect();
    let merged = merge(&lines.concat(), "limit series 10");
    let text = text(&merged);
    assert_eq!(text.matches("\na{").count(), 10);
    assert!(
        text.contains("prompush_scrape_dropped_samples{cause=\"series_limit\"} 90\n"),
        "{text}"
    );
}
