//! Fingerprints of the content of a group, to recognise a push of our own on a gateway.
//!
//! A gateway may take a request late, long after the sender has given up and put a newer state into the
//! spool. Then the group was pushed since, but by this program, and the newer state is not obsolete. So
//! the spool keeps the fingerprints of requests without an answer, and compares them with the groups that
//! the gateway shows (`GET /api/v1/metrics`).

use std::collections::BTreeMap;

use prompush_core::{Exposition, MetricValue, PUSH_FAILURE_TIME, PUSH_TIME, parse};
use serde_json::Value;

use crate::group_key::AnyGroupingKey;
use crate::payload::GroupChange;
use crate::spool::fnv::fnv1a;

/// The numbers of each family and label set, in an order and a spelling that gateways do not change.
type Samples = BTreeMap<String, BTreeMap<String, Vec<String>>>;

/// The fingerprint of a change of a group; `None` for a deletion, which leaves nothing to compare, and
/// for families that cannot be parsed.
pub(crate) fn of_change(change: &GroupChange, key: &AnyGroupingKey) -> Option<u64> {
    let families = change.families()?;
    let body = families.to_body();
    let exposition = parse(&body, families.format()).ok()?;
    Some(hash(&samples_of(&exposition, key.labels())))
}

/// The fingerprint of a group as the gateway's API shows it.
pub(crate) fn of_group(group: &Value, key: &AnyGroupingKey) -> Option<u64> {
    let mut samples = Samples::new();
    for (name, family) in group.as_object()? {
        let Some(metrics) = family.get("metrics").and_then(Value::as_array) else { continue };
        if is_gateway_family(name) {
            continue;
        }
        let of_family = samples.entry(name.clone()).or_default();
        for metric in metrics {
            let labels = metric.get("labels").and_then(Value::as_object)?;
            let labels = labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            let labels = labels.map(|(name, value)| (name, value.unwrap_or_default()));
            of_family.insert(label_text(labels, key.labels()), numbers_shown(metric));
        }
    }
    Some(hash(&samples))
}

fn samples_of(exposition: &Exposition<'_>, key: &BTreeMap<String, String>) -> Samples {
    let mut samples = Samples::new();
    for family in exposition.families.iter().filter(|family| !is_gateway_family(&family.name)) {
        let of_family = samples.entry(family.name.to_string()).or_default();
        for metric in &family.metrics {
            let labels = metric.labels.iter();
            of_family.insert(label_text(labels, key), numbers_sent(&metric.value));
        }
    }
    samples
}

/// The labels of a metric without those of the grouping key, which the gateway sets itself.
fn label_text<'a>(
    labels: impl Iterator<Item = (&'a str, &'a str)>,
    key: &BTreeMap<String, String>,
) -> String {
    let is_own = |name: &str, value: &str| {
        key.contains_key(name) || (name == "instance" && value.is_empty())
    };
    let own: BTreeMap<&str, &str> = labels.filter(|(name, value)| !is_own(name, value)).collect();
    format!("{own:?}")
}

/// The numbers of a metric as this program sends them.
fn numbers_sent(value: &MetricValue) -> Vec<String> {
    let part = |(of, value): (f64, f64)| format!("{}={}", number(of), number(value));
    let (mut parts, count, sum): (Vec<String>, _, _) = match value {
        MetricValue::Number(value) => return vec![number(*value)],
        MetricValue::Histogram(value) => {
            let buckets = value.buckets.iter();
            let buckets = buckets.map(|bucket| (bucket.upper_bound, bucket.cumulative_count));
            let all = (!value.has_inf_bucket()).then_some((f64::INFINITY, value.count));
            (buckets.chain(all).map(part).collect(), value.count, value.sum)
        }
        MetricValue::Summary(value) => {
            let quantiles = value.quantiles.iter();
            let quantiles = quantiles.map(|quantile| (quantile.quantile, quantile.value));
            (quantiles.map(part).collect(), value.count, value.sum)
        }
    };
    parts.sort_unstable();
    parts.extend([number(count), number(sum)]);
    parts
}

/// The numbers of a metric as the API shows them: all of them are strings.
fn numbers_shown(metric: &Value) -> Vec<String> {
    let spelled = |value: &Value| value.as_str().map(parsed).map(number);
    if let Some(value) = metric.get("value") {
        return spelled(value).into_iter().collect();
    }
    let parts =
        metric.get("buckets").or_else(|| metric.get("quantiles")).and_then(Value::as_object);
    let part = |(of, value): (&String, &Value)| {
        format!("{}={}", number(parsed(of)), spelled(value).unwrap_or_default())
    };
    let mut parts: Vec<String> = parts.into_iter().flatten().map(part).collect();
    parts.sort_unstable();
    parts.extend(["count", "sum"].iter().filter_map(|name| metric.get(name)).filter_map(spelled));
    parts
}

fn parsed(text: &str) -> f64 {
    text.parse().unwrap_or(f64::NAN)
}

/// Spells a number. A gateway drops the sign of a zero.
fn number(value: f64) -> String {
    if value == 0.0 { "0".to_owned() } else { format!("{value:e}") }
}

fn hash(samples: &Samples) -> u64 {
    fnv1a(format!("{samples:?}").bytes())
}

/// Whether the gateway itself adds this family to each group.
fn is_gateway_family(family: &str) -> bool {
    matches!(family, PUSH_TIME | PUSH_FAILURE_TIME)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use prompush_core::{Buckets, Format, GroupingKey, Registry};
    use prompush_testing::{Pushgateway, Version};

    use super::*;
    use crate::payload::families::Families;

    fn state(value: f64) -> GroupChange {
        let registry = Registry::new();
        registry.counter("a_total", "A.").unwrap().inc_by(1_000_000);
        let levels = registry.gauge_family("level", "", ["of", "job"]).unwrap();
        levels.with(["x\"\\\n", "overwritten"]).set(value);
        levels.with(["zero", ""]).set(-0.0);
        levels.with(["nan", ""]).set(f64::NAN);
        let sizes = Buckets::exponential(0.1, 10.0, 9).unwrap();
        registry.histogram("size_bytes", "", sizes).unwrap().observe(value);
        GroupChange::Push(Families::gather(&registry, Format::Text).unwrap())
    }

    #[test]
    fn real_gateways_show_the_fingerprint_of_each_push() {
        let body =
            b"# TYPE s summary\ns{quantile=\"0.5\"} 1\ns_sum 3\ns_count 2\nu 0.30000000000000004\n";
        let parsed = parse(body, Format::Text).unwrap();
        let summary = GroupChange::Push(Families::gather(&parsed, Format::Text).unwrap());
        let empty = GroupChange::Push(Families::new(Format::Text, []));
        let key = GroupingKey::new("x").unwrap();
        let with_instance = key.clone().with("instance", "a/b").unwrap();
        for gateway in Version::ALL.into_iter().filter_map(Pushgateway::start) {
            for key in [&key, &with_instance].map(AnyGroupingKey::from) {
                for state in [state(1.5e-7), state(-4e20), summary.clone(), empty.clone()] {
                    let body = state.families().unwrap().to_body();
                    let answer = gateway.request("PUT", key.path(), &[], &body);
                    assert_eq!(answer.status, 200, "{}", answer.text());
                    let group = &gateway.groups()[0];
                    assert!(of_change(&state, &key).is_some());
                    assert_eq!(of_group(group, &key), of_change(&state, &key), "{group}");
                }
                gateway.request("DELETE", key.path(), &[], &[]);
                prompush_testing::wait_until(std::time::Duration::from_secs(10), "it goes", || {
                    gateway.groups().is_empty()
                });
            }
        }
    }

    #[test]
    fn another_state_has_another_fingerprint() {
        let key = &AnyGroupingKey::from_path("/metrics/job/x").unwrap();
        assert_eq!(of_change(&state(1.0), key), of_change(&state(1.0), key));
        assert_ne!(of_change(&state(1.0), key), of_change(&state(1.5), key));
        assert_eq!(of_change(&GroupChange::Delete, key), None);
        let garbage = Families::new(Format::Text, [(Arc::from("a"), Arc::from(&b"a b\n"[..]))]);
        assert_eq!(of_change(&GroupChange::Push(garbage), key), None);
    }
}
