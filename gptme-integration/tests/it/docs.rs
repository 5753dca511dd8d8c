//! Guards: `docs/otlp.md` says what the code does.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use prompush_gptme::{RULES_TEXT, default_rules};
use prompush_otlp::{DropCause, Export, Instance, Rules};
use prompush_testing::otlp_body::{
    CUMULATIVE, Message, Span, buckets, histogram_in, integer, sum_in,
};
use prompush_testing::otlp_capture;

use crate::support::{ingest, text};

fn page() -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/otlp.md");
    fs::read_to_string(path).unwrap()
}

/// The cells of the table with that heading, without the backticks.
fn table(heading: &str) -> Vec<Vec<String>> {
    let page = page();
    let rows = page.lines().skip_while(|line| *line != heading).skip(2);
    let cells = |line: &str| {
        line.trim_matches('|').split('|').map(|cell| cell.trim().replace('`', "")).collect()
    };
    let rows: Vec<Vec<String>> = rows.take_while(|line| line.starts_with('|')).map(cells).collect();
    assert!(!rows.is_empty(), "no table `{heading}`");
    rows
}

#[test]
fn names() {
    let span = Span(1, 9);
    for row in table("| gptme's name | unit | kind | in Prometheus |") {
        let [name, unit, kind, expected] = row.as_slice() else { panic!("{row:?}") };
        let point = || [integer(&[], span, 1)];
        let (metric, word): (Message, _) = match kind.as_str() {
            "counter" => (sum_in(unit, name, CUMULATIVE, true, &point()), "counter"),
            "up and down" => (sum_in(unit, name, CUMULATIVE, false, &point()), "gauge"),
            "histogram" => {
                let point = buckets(&[], span, 1.0, &[1.0], &[1, 1]);
                (histogram_in(unit, name, CUMULATIVE, &[point]), "histogram")
            }
            _ => panic!("{kind}"),
        };
        let instance = Instance::new(Arc::new(default_rules().instrumentation(true)));
        ingest(&instance, &[metric]);
        let text = text(&instance);
        assert!(text.contains(&format!("# TYPE {expected} {word}\n")), "{name}: {text}");
    }
}

#[test]
fn the_default_rules_are_shown_as_they_are() {
    for rules in [Rules::DEFAULT_TEXT, RULES_TEXT] {
        assert!(page().contains(&format!("\n```text\n{rules}```\n")), "{rules}");
    }
}

#[test]
fn every_cause_is_explained() {
    let rows = table("| cause | when |");
    let explained: Vec<&str> = rows.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(explained, DropCause::ALL.map(DropCause::as_str));
}

#[test]
fn a_plain_run_has_as_many_samples() {
    let samples = |rules: Rules| {
        let instance = Instance::new(Arc::new(rules));
        let export = Export::decode(otlp_capture("basic-flush")).unwrap();
        instance.ingest(&export, SystemTime::UNIX_EPOCH);
        instance.samples().to_string()
    };
    let rows = table("| of a plain run with two turns | samples |");
    assert_eq!(rows[0][1], samples(default_rules()));
    assert_eq!(rows[1][1], samples(default_rules().instrumentation(true)));
}

#[test]
fn the_table_of_added_families_is_complete() {
    let instance = Instance::new(Arc::new(default_rules()));
    let export = Export::decode(otlp_capture("tool-errors")).unwrap();
    instance.ingest(&export, SystemTime::UNIX_EPOCH);
    let text = text(&instance);
    for row in table("| family | what it is |") {
        assert!(text.contains(&format!("\n# TYPE {} ", row[0])), "{}", row[0]);
    }
}
