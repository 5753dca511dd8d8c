//! Waiting until Prometheus answers a query as expected.

use anyhow::Result;
use serde_json::Value;

use super::deployment::{Deployment, SCRAPED_WITHIN};

/// Waits until a query answers exactly these label sets and values. An empty list means that the query answers
/// nothing.
pub(super) fn wait_for_values(
    deployment: &Deployment<'_>,
    promql: &str,
    expected: &[(Value, &str)],
) -> Result<()> {
    let mut seen = Vec::new();
    let result = deployment.engine().interrupt().wait_for(SCRAPED_WITHIN, "Prometheus", || {
        seen = deployment.query(promql)?;
        let is_there = |(labels, value): &(Value, &str)| {
            seen.iter().any(|sample| sample["metric"] == *labels && sample["value"][1] == *value)
        };
        Ok((seen.len() == expected.len() && expected.iter().all(is_there)).then_some(()))
    });
    result.map_err(|error| {
        let seen = seen.iter().map(|sample| {
            (sample["metric"].clone(), sample["value"][1].as_str().unwrap_or_default())
        });
        let (seen, expected) = (shown(seen), shown(expected.iter().cloned()));
        error.context(format!("`{promql}` answers {seen} instead of {expected}"))
    })
}

/// Waits until Prometheus knows a family with that type.
pub(super) fn wait_for_type(
    deployment: &Deployment<'_>,
    family: &str,
    expected: &str,
) -> Result<()> {
    let mut seen = None;
    let result = deployment.engine().interrupt().wait_for(SCRAPED_WITHIN, "Prometheus", || {
        seen = deployment.metric_type(family)?;
        Ok((seen.as_deref() == Some(expected)).then_some(()))
    });
    result.map_err(|error| {
        error.context(format!("`{family}` has type {seen:?} instead of {expected}"))
    })
}

fn shown<'a>(samples: impl Iterator<Item = (Value, &'a str)>) -> String {
    let samples: Vec<String> =
        samples.map(|(labels, value)| format!("`{labels} {value}`")).collect();
    if samples.is_empty() { "nothing".to_owned() } else { samples.join(", ") }
}
