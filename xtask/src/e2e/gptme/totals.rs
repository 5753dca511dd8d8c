//! The totals in Prometheus, compared with the totals of the model.

use std::collections::BTreeMap;
use std::ops::Add;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use prompush_testing::Served;
use serde_json::Value;

use super::environment::Environment;

/// The longest time until Prometheus has scraped the content of the gateway.
const SCRAPED_WITHIN: Duration = Duration::from_secs(30);

/// The totals of each instance, by the name of its model.
pub(super) type ByModel = BTreeMap<String, Served>;

/// Waits until Prometheus has the same totals as the model, for each instance and in sum. Each instance uses a
/// model of its own, whose name identifies it.
pub(super) fn check(environment: &Environment, names: &[String]) -> Result<()> {
    let served = environment.model.served();
    let expected: ByModel = names
        .iter()
        .map(|name| {
            let served =
                served.get(name).with_context(|| format!("`{name}` was served nothing"))?;
            Ok((name.clone(), *served))
        })
        .collect::<Result<_>>()?;
    let mut seen = ByModel::new();
    let agreed = environment.interrupt.wait_for(SCRAPED_WITHIN, "Prometheus", || {
        seen = totals_in_prometheus(environment)?
            .into_iter()
            .filter(|(name, _)| expected.contains_key(name))
            .collect();
        Ok((seen == expected).then_some(()))
    });
    agreed.with_context(|| differences(&expected, &seen))?;
    println!("        {} instances, {}", expected.len(), sum(&expected));
    Ok(())
}

/// The sum of requests and tokens as text.
fn sum(by_model: &ByModel) -> String {
    let total = by_model.values().copied().fold(Served::default(), Add::add);
    format!(
        "{} requests, {} tokens (input {}, cache_read {}, output {})",
        total.requests,
        total.total(),
        total.input,
        total.cache_read,
        total.output
    )
}

fn differences(expected: &ByModel, seen: &ByModel) -> String {
    let lines = expected.iter().filter(|(name, served)| seen.get(*name) != Some(served));
    let lines: Vec<String> = lines
        .map(|(name, served)| format!("{name}: {:?} instead of {served:?}", seen.get(name)))
        .collect();
    format!("Prometheus does not say what the model served:\n  {}", lines.join("\n  "))
}

/// The totals of each instance in Prometheus. The series of requests have the name of the model as a label. The series
/// of tokens have no such label, and are matched by their instance.
fn totals_in_prometheus(environment: &Environment) -> Result<ByModel> {
    let mut by_instance: BTreeMap<String, (String, Served)> = BTreeMap::new();
    for sample in samples(environment, "gptme_llm_requests_total{success=\"true\"}")? {
        let model = sample.label("model");
        // The label is `provider/model`.
        let model = model.split_once('/').map_or(model.clone(), |(_, name)| name.to_owned());
        let instance = by_instance.entry(sample.label("instance")).or_default();
        if !instance.0.is_empty() {
            bail!("the instance of `{}` is that of `{model}`, too", instance.0);
        }
        *instance = (model, Served { requests: sample.value, ..Served::default() });
    }
    let mut totals: BTreeMap<String, u64> = BTreeMap::new();
    for sample in samples(environment, "gptme_tokens_processed_total")? {
        let Some((_, served)) = by_instance.get_mut(&sample.label("instance")) else { continue };
        match sample.label("token_type").as_str() {
            "input" => served.input = sample.value,
            "cache_read" => served.cache_read = sample.value,
            "output" => served.output = sample.value,
            "total" => *totals.entry(sample.label("instance")).or_default() = sample.value,
            other => bail!("the model serves no tokens of type `{other}`"),
        }
    }
    let sums = samples(environment, "sum by (instance) (gptme_tokens_total)")?;
    let sums: BTreeMap<String, u64> =
        sums.into_iter().map(|sample| (sample.label("instance"), sample.value)).collect();
    // Instances whose own total, or the guide's family, differs from the sum of the token types are left out.
    let whole = by_instance.into_iter().filter(|(instance, (_, served))| {
        let total = Some(&served.total());
        totals.get(instance) == total && sums.get(instance) == total
    });
    let mut known = ByModel::new();
    for (instance, (model, served)) in whole {
        if known.insert(model.clone(), served).is_some() {
            bail!("`{instance}` is the second instance of `{model}`");
        }
    }
    Ok(known)
}

/// A sample of an instant query.
pub(super) struct Sample {
    labels: Value,
    pub(super) value: u64,
}

impl Sample {
    pub(super) fn label(&self, name: &str) -> String {
        self.labels[name].as_str().unwrap_or_default().to_owned()
    }
}

/// The samples that a query returns. Every value must be a whole number.
pub(super) fn samples(environment: &Environment, promql: &str) -> Result<Vec<Sample>> {
    let answer = environment.prometheus.query(promql)?;
    let samples = answer.as_array().into_iter().flatten().map(|sample| {
        let text = sample["value"][1].as_str().unwrap_or_default();
        let value = text.parse().with_context(|| format!("`{promql}` answers `{text}`"))?;
        Ok(Sample { labels: sample["metric"].clone(), value })
    });
    samples.collect()
}
