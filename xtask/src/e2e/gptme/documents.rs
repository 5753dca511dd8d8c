//! Checks the documents: every query of the guide and of the dashboard returns a sample, and the alert rules pass
//! their tests.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use super::environment::Environment;
use crate::{process, workspace};

const GUIDE: &str = "docs/guide-gptme.md";
const RULES: &str = "docs/prometheus/alerts.yml";
const RULES_TEST: &str = "docs/prometheus/alerts-test.yml";
const DASHBOARD: &str = "docs/grafana/gptme.json";

/// The time limit of promtool.
const CHECKED_WITHIN: Duration = Duration::from_mins(1);

/// Checks the alert rules with promtool, and runs their tests.
pub(super) fn check_alert_rules(environment: &Environment) -> Result<()> {
    for words in [["check", "rules", RULES], ["test", "rules", RULES_TEST]] {
        let mut promtool = Command::new(workspace::servers().join("promtool"));
        promtool.current_dir(workspace::root()).args(words);
        process::capture(&mut promtool, CHECKED_WITHIN, &environment.interrupt)?;
    }
    Ok(())
}

/// Checks that every query of the guide returns a sample.
pub(super) fn check_guide_queries(environment: &Environment) -> Result<()> {
    let queries = blocks(&read(GUIDE)?, "promql");
    ensure!(!queries.is_empty(), "`{GUIDE}` has no queries");
    for query in queries {
        check_query(environment, &query)?;
    }
    Ok(())
}

/// Checks that every query of the dashboard returns a sample, for all jobs and instances and a range of one hour.
pub(super) fn check_dashboard_queries(environment: &Environment) -> Result<()> {
    let dashboard: Value = serde_json::from_str(&read(DASHBOARD)?)?;
    let panels = dashboard["panels"].as_array().context("the dashboard has no panels")?;
    ensure!(!panels.is_empty(), "the dashboard has no panels");
    for panel in panels {
        let targets = panel["targets"].as_array().context("a panel has no targets")?;
        for target in targets {
            let query = target["expr"].as_str().context("a target has no query")?;
            check_query(environment, &with_variables(query))
                .with_context(|| format!("panel {}", panel["title"]))?;
        }
    }
    Ok(())
}

/// Replaces the variables of Grafana by values.
fn with_variables(query: &str) -> String {
    let values = [("$job", ".*"), ("$instance", ".*"), ("$__range", "1h"), ("$__interval", "1h")];
    values.iter().fold(query.to_owned(), |query, (name, value)| query.replace(name, value))
}

fn check_query(environment: &Environment, query: &str) -> Result<()> {
    let answer = environment.prometheus.query(query)?;
    if answer.as_array().is_none_or(Vec::is_empty) {
        bail!("nothing answers `{query}`");
    }
    Ok(())
}

/// The fenced blocks of a language in a Markdown text.
pub(super) fn blocks(text: &str, language: &str) -> Vec<String> {
    let opening = format!("```{language}\n");
    let rest = text.split(&opening).skip(1);
    rest.filter_map(|rest| rest.split("```").next()).map(str::to_owned).collect()
}

pub(super) fn read(file: &str) -> Result<String> {
    fs::read_to_string(workspace::root().join(file))
        .with_context(|| format!("cannot read `{file}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_told_by_their_language() {
        let text = "a\n```sh\nx\ny\n```\n```ini\nz\n```\n```sh\nw\n```\n";
        assert_eq!(blocks(text, "sh"), ["x\ny\n", "w\n"]);
        assert!(blocks(text, "promql").is_empty());
    }

    #[test]
    fn the_dashboard_is_whole() {
        let dashboard: Value =
            serde_json::from_str(&read(DASHBOARD).expect("it is there")).expect("JSON");
        let panels = dashboard["panels"].as_array().expect("panels");
        let mut ids: Vec<i64> = panels.iter().filter_map(|panel| panel["id"].as_i64()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), panels.len(), "each panel has an id of its own");
        for panel in panels {
            assert!(panel["title"].is_string() && panel["description"].is_string(), "{panel}");
            let right = panel["gridPos"]["x"].as_i64().unwrap_or(99)
                + panel["gridPos"]["w"].as_i64().unwrap_or(99);
            assert!(right <= 24, "{panel}");
            for target in panel["targets"].as_array().expect("targets") {
                let query = with_variables(target["expr"].as_str().expect("a query"));
                assert!(!query.contains('$'), "a variable without a value: {query}");
            }
        }
    }
}
