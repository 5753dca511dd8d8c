//! The check that a library does the same work as ours: its output is parsed and compared with ours, sample by
//! sample.
//!
//! `insert_metric` lists the differences that are allowed.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use prompush_core::{Encoder, Exposition, Metric, MetricValue, parse, protobuf};

use crate::peer::{Peer, Prompush};

/// The samples of an output, each under its family and its labels.
type Samples = BTreeMap<String, String>;

/// Compares the text of `peer` with the text of `ours`.
///
/// # Errors
/// When the text cannot be parsed, and when it differs: the error lists the first differences.
pub fn text<P: Peer>(ours: &Prompush, peer: &P) -> Result<()> {
    let mut buffer = P::Buffer::default();
    let body = peer.encode_text(&mut buffer)?;
    let exposition = parse(body, P::FORMAT)
        .with_context(|| format!("the text of `{}` cannot be read", P::NAME))?;
    compare(P::NAME, &samples_of_ours(ours)?, &samples_of(&exposition))
}

/// Compares the protobuf of `peer` with the text of `ours`.
///
/// # Errors
/// When the protobuf cannot be parsed, and when it differs: the error lists the first differences.
pub fn protobuf<P: Peer>(ours: &Prompush, peer: &P) -> Result<()> {
    let mut buffer = P::ProtobufBuffer::default();
    let body = peer.encode_protobuf(&mut buffer)?;
    let exposition = protobuf::decode(body)
        .with_context(|| format!("the protobuf of `{}` cannot be read", P::NAME))?;
    compare(P::NAME, &samples_of_ours(ours)?, &samples_of(&exposition))
}

fn samples_of_ours(ours: &Prompush) -> Result<Samples> {
    let mut encoder = Encoder::default();
    let body = encoder.encode(ours.registry())?;
    Ok(samples_of(&parse(body, Prompush::FORMAT).context("our own text cannot be read")?))
}

fn samples_of(exposition: &Exposition<'_>) -> Samples {
    let mut samples = Samples::new();
    for family in &exposition.families {
        let name = &*family.name;
        samples.insert(format!("# TYPE {name}"), family.metric_type.to_string());
        samples.insert(format!("# HELP {name}"), family.help.as_deref().unwrap_or_default().into());
        for metric in &family.metrics {
            insert_metric(&mut samples, name, metric);
        }
    }
    samples
}

/// Adds the samples of a metric. These differences between the libraries are allowed:
/// - the order of families, metrics and labels;
/// - the spelling of a number, as in `1` and `1.0`, `+Inf` and `inf`;
/// - the family name of a counter: `prometheus-client` writes OpenMetrics, where the name has no `_total`;
/// - the `+Inf` bucket of a histogram: protobuf may leave it to the count.
fn insert_metric(samples: &mut Samples, name: &str, metric: &Metric<'_>) {
    let mut labels: Vec<String> =
        metric.labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    labels.sort();
    let labels = labels.join(",");
    let mut sample = |what: String, value: f64| {
        samples.insert(format!("{name}{{{labels}}}{what}"), format!("{value:?}"));
    };
    match &metric.value {
        MetricValue::Number(value) => sample(String::new(), *value),
        MetricValue::Histogram(histogram) => {
            sample(" sum".to_owned(), histogram.sum);
            sample(" count".to_owned(), histogram.count);
            sample(format!(" le {:?}", f64::INFINITY), histogram.count);
            for bucket in &histogram.buckets {
                sample(format!(" le {:?}", bucket.upper_bound), bucket.cumulative_count);
            }
        }
        MetricValue::Summary(summary) => {
            sample(" sum".to_owned(), summary.sum);
            sample(" count".to_owned(), summary.count);
            for quantile in &summary.quantiles {
                sample(format!(" quantile {:?}", quantile.quantile), quantile.value);
            }
        }
    }
}

fn compare(name: &str, ours: &Samples, theirs: &Samples) -> Result<()> {
    const SHOWN_MAX: usize = 5;
    let mut differences = Vec::new();
    for (what, value) in ours {
        match theirs.get(what) {
            Some(their_value) if their_value == value => {}
            Some(their_value) => {
                differences.push(format!("{what}: ours {value}, theirs {their_value}"));
            }
            None => differences.push(format!("{what}: only ours, {value}")),
        }
    }
    let extra = theirs.iter().filter(|(what, _)| !ours.contains_key(*what));
    differences.extend(extra.map(|(what, value)| format!("{what}: only theirs, {value}")));
    if differences.is_empty() {
        return Ok(());
    }
    let count = differences.len();
    differences.truncate(SHOWN_MAX);
    bail!(
        "`{name}` does not do the same work, {count} differences:\n  {}",
        differences.join("\n  ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::{Workload, borrowed, counter_labels, pair_labels};

    const SMALL: Workload = Workload { counters: 20, gauges: 20, histograms: 3 };

    /// Benches of libraries that do different work compare nothing.
    #[test]
    fn all_libraries_say_the_same() {
        let ours = Prompush::filled(SMALL).unwrap();
        crate::for_each_peer!(P => {
            let peer = P::filled(SMALL).unwrap();
            text(&ours, &peer).unwrap();
            if P::HAS_PROTOBUF {
                protobuf(&ours, &peer).unwrap();
            }
        });
    }

    #[test]
    fn a_difference_is_found_and_named() {
        let ours = Prompush::filled(SMALL).unwrap();
        ours.add_by_labels(borrowed(&counter_labels(3)), 1);
        crate::for_each_peer!(P => {
            let peer = P::filled(SMALL).unwrap();
            if P::NAME != Prompush::NAME {
                let error = text(&ours, &peer).unwrap_err().to_string();
                assert!(error.contains("ours 52.0, theirs 51.0"), "{error}");
            }
        });
    }

    #[test]
    fn recording_through_what_was_kept_says_the_same() {
        let (counter, histogram) = (counter_labels(3), pair_labels(1));
        let ours = Prompush::filled(SMALL).unwrap();
        ours.inc(&ours.counter(borrowed(&counter)));
        ours.observe(&ours.histogram(borrowed(&histogram)), 0.3);
        crate::for_each_peer!(P => {
            let peer = P::filled(SMALL).unwrap();
            peer.inc(&peer.counter(borrowed(&counter)));
            peer.observe(&peer.histogram(borrowed(&histogram)), 0.3);
            text(&ours, &peer).unwrap();
        });
    }
}
