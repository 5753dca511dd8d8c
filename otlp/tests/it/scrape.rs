//! Guards: a scraped body that a strict parser refuses becomes a strict exposition.

use prompush_core::{Format, parse};
use prompush_otlp::scrape::{self, ScrapedMetrics};
use prompush_otlp::{Rules, ScrapeError};

use crate::support::text;

fn scraped(text: &str, rules: &str) -> ScrapedMetrics {
    scrape::parse(text.as_bytes(), &Rules::parse(rules).unwrap()).unwrap()
}

#[test]
fn series_that_differ_in_a_dropped_label_are_summed() {
    let metrics = scraped(
        "# TYPE c counter\nc{a=\"1\",b=\"x\"} 1\nc{a=\"1\",b=\"y\"} 2\n\
         # TYPE g gauge\ng{b=\"x\"} 5\ng{b=\"y\"} 3\n\
         # TYPE h histogram\nh_bucket{b=\"x\",le=\"1\"} 1\nh_bucket{b=\"x\",le=\"+Inf\"} 2\n\
         h_sum{b=\"x\"} 3\nh_count{b=\"x\"} 2\nh_bucket{b=\"y\",le=\"1\"} 10\n\
         h_bucket{b=\"y\",le=\"+Inf\"} 20\nh_sum{b=\"y\"} 30\nh_count{b=\"y\"} 20\n",
        "drop attribute b",
    );
    assert_eq!(
        text(&metrics),
        "# TYPE c counter\nc{a=\"1\"} 3\n# TYPE g gauge\ng 3\n# TYPE h histogram\n\
         h_bucket{le=\"1\"} 11\nh_bucket{le=\"+Inf\"} 22\nh_sum 33\nh_count 22\n"
    );
    assert_eq!(metrics.dropped.len(), 1, "{:?}", metrics.dropped);
    assert_eq!(metrics.repairs, []);
}

#[test]
fn openmetrics_is_read_as_such() {
    let metrics = scraped(
        "# TYPE a counter\na_total 1\na_created 5\n# TYPE a counter\na_total{x=\"1\"} 2\n# EOF\n",
        "",
    );
    let text = text(&metrics);
    assert!(text.starts_with("# TYPE a_"), "{text}");
    assert!(text.contains("# TYPE a_total counter\na_total 1\n"), "{text}");
    assert_eq!(metrics.repairs.len(), 1, "{:?}", metrics.repairs);
}

#[test]
fn the_grouping_keys_labels_are_renamed() {
    let metrics = scraped("a{job=\"x\",instance=\"y\"} 1\n", "");
    assert!(text(&metrics).ends_with("a{exported_instance=\"y\",exported_job=\"x\"} 1\n"));
}

#[test]
fn other_faults_are_repaired_and_reported() {
    let metrics = scraped("a 1 1700000000000\na 2\n!\nb 3", "");
    assert_eq!(text(&metrics), "# TYPE a untyped\na 2\n# TYPE b untyped\nb 3\n");
    let repairs: Vec<String> = metrics.repairs.iter().map(ToString::to_string).collect();
    assert_eq!(
        repairs,
        [
            "line 3: left out: invalid metric name",
            "metric family `a` has timestamps",
            "line 2: a series of `a` is there twice",
        ]
    );
}

#[test]
fn a_body_that_is_no_exposition_is_an_error() {
    let parse_default = |text: &str| scrape::parse(text.as_bytes(), &Rules::default());
    assert!(matches!(parse_default("\n<!DOCTYPE html><html></html>"), Err(ScrapeError::WebPage)));
    assert!(matches!(parse_default("{\"a\": 1}\n"), Err(ScrapeError::Unreadable { .. })));
    assert_eq!(text(&parse_default("").unwrap()), "");
}

#[test]
fn a_family_with_the_sample_name_of_another_is_dropped() {
    let metrics =
        scraped("h_count 2\n# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 1\n", "");
    let strict = text(&metrics);
    assert!(parse(strict.as_bytes(), Format::Text).is_ok(), "{strict}");
    assert!(strict.contains("samples{cause=\"name_clash\"} 2\n"), "{strict}");
}

#[test]
fn a_label_that_a_gateway_refuses_is_renamed() {
    let metrics = scraped("a{__b=\"1\",_c=\"2\",d=\"\"} 1\n", "");
    assert!(text(&metrics).ends_with("\na{_c=\"2\",key__b=\"1\"} 1\n"));
}

#[test]
fn series_are_limited() {
    let lines: Vec<String> = (0..100).map(|number| format!("a{{x=\"{number}\"}} 1\n")).collect();
    let metrics = scraped(&lines.concat(), "limit series 10");
    let text = text(&metrics);
    assert_eq!(text.matches("\na{").count(), 10);
    assert!(
        text.contains("prompush_scrape_dropped_samples{cause=\"series_limit\"} 90\n"),
        "{text}"
    );
}
