//! The counter of tokens under the name that asks for it simply.

use std::borrow::Cow;

use prompush_core::{MetricFamily, MetricType};

use crate::rules::Rules;

/// What gptme counts tokens in: since 0.29, and up to 0.28.
const PROCESSED: [&str; 2] =
    ["gptme_tokens_processed_total", "gptme_tokens_processed_tokens_total"];
/// What it is called here.
const TOKENS: &str = "gptme_tokens_total";
/// Its help text.
pub(crate) const HELP: &str = "Number of tokens processed, by type, each counted once.";

/// Adds `gptme_tokens_total`: gptme's counter of tokens without the type `total`, which counts
/// every token a second time. It has the rules' leave to be dropped like any other.
pub(crate) fn add_family(families: &mut Vec<MetricFamily<'_>>, rules: &Rules) {
    let is_there = families.iter().any(|family| family.name == TOKENS);
    if is_there || !rules.keeps_metric([TOKENS; 2]) {
        return;
    }
    let is_processed = |family: &&MetricFamily<'_>| {
        PROCESSED.contains(&&*family.name) && family.metric_type == MetricType::Counter
    };
    let Some(processed) = families.iter().find(is_processed) else { return };
    let mut tokens = processed.clone();
    tokens.name = Cow::Borrowed(TOKENS);
    tokens.help = Some(Cow::Borrowed(HELP));
    tokens
        .metrics
        .retain(|metric| !metric.labels.iter().any(|label| label == ("token_type", "total")));
    if !tokens.metrics.is_empty() {
        families.push(tokens);
    }
}
