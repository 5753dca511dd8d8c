//! Guards: the metrics that gptme up to 0.28 and gptme-server serve become a strict exposition.

use std::fs;

use prompush_core::{Format, GroupingKey, check_push, parse};
use prompush_gptme::default_rules;
use prompush_otlp::scrape::{self, ScrapedMetrics};
use prompush_testing::scrape_capture;

use crate::support::{encode, snapshot_path, text};

const BODIES: [&str; 3] = ["gptme-0.28.3", "gptme-0.28.3-tool-errors", "gptme-server-0.35.1"];

fn body(name: &str) -> Vec<u8> {
    scrape_capture(&format!("{name}.prom"))
}

fn scraped(text: &str, rules: &str) -> ScrapedMetrics {
    scrape::parse(text.as_bytes(), &default_rules().with_text(rules).unwrap()).unwrap()
}

#[test]
fn snapshots() {
    for name in BODIES {
        let found = text(&scrape::parse(&body(name), &default_rules()).unwrap());
        let path = snapshot_path(&format!("scrape-{name}"));
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
            let metrics =
                scrape::parse(&body(name), &default_rules().with_text(rules).unwrap()).unwrap();
            let strict = encode(&metrics, Format::Text);
            let exposition = parse(&strict, Format::Text).unwrap();
            assert_eq!(check_push(&exposition, &key), [], "{name}");
        }
    }
}

#[test]
fn without_rules_no_sample_is_lost() {
    for name in BODIES {
        let body = String::from_utf8(body(name)).unwrap();
        let rules =
            "keep attribute *\nkeep metric *\nlimit series 100000\ndrop metric gptme_tokens_total";
        let metrics = scraped(&body, rules);
        let samples = body.lines().filter(|line| !line.starts_with('#')).count();
        let found = text(&metrics).lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(found, samples, "{name}");
    }
}

#[test]
fn a_second_block_of_one_family_is_merged_and_reported() {
    let metrics = scrape::parse(&body("gptme-0.28.3-tool-errors"), &default_rules()).unwrap();
    let repairs: Vec<String> = metrics.repairs.iter().map(ToString::to_string).collect();
    assert!(
        repairs.iter().any(|repair| repair
            .ends_with("metric family `gptme_tool_calls_total` has a second HELP or TYPE")),
        "{repairs:?}"
    );
    let clean = scrape::parse(&body("gptme-0.28.3"), &default_rules()).unwrap();
    assert_eq!(clean.repairs, []);
}
