//! Guards: every body that gptme sent becomes the samples in its snapshot, with the values of the
//! body's JSON, and gateways accept them.
//!
//! `PROMPUSH_WRITE_SNAPSHOTS=1 cargo test --package prompush-gptme` writes the snapshots again.

use std::collections::BTreeMap;
use std::fs;
use std::sync::Arc;
use std::time::SystemTime;

use prompush::{Gateway, GatewayConfig};
use prompush_core::{Format, GroupingKey, check_push, parse};
use prompush_gptme::default_rules;
use prompush_http_server::content_coding::{self, ContentCoding, ContentCodingError};
use prompush_otlp::{Export, Instance, Rules};
use prompush_testing::{Pushgateway, Version, otlp_capture, otlp_capture_json, otlp_captures};
use serde_json::Value;

use crate::support::{encode, snapshot_path, text};

/// Rules that keep everything, so that the whole body is compared.
fn all() -> Arc<Rules> {
    let rules =
        "keep attribute *\nkeep metric *\nlimit series 100000\ndrop metric gptme_tokens_total";
    Arc::new(default_rules().with_text(rules).unwrap())
}

/// Decompresses a body as a receiver does it.
fn decompress(
    body: &[u8],
    content_encoding: Option<&str>,
    bytes_max: usize,
) -> Result<Vec<u8>, ContentCodingError> {
    let coding = ContentCoding::from_header(content_encoding)?;
    Ok(content_coding::decode(coding, body, bytes_max)?.into_owned())
}

fn decode(name: &str) -> Export {
    let encoding = match name {
        "gzip-1" | "gzip-2-flush" => Some("gzip"),
        "deflate" => Some("deflate"),
        _ => None,
    };
    Export::decode(decompress(&otlp_capture(name), encoding, 1 << 20).unwrap()).unwrap()
}

fn ingested(rules: &Arc<Rules>, names: &[&str]) -> Instance {
    let instance = Instance::new(Arc::clone(rules));
    for name in names {
        instance.ingest(&decode(name), SystemTime::UNIX_EPOCH);
    }
    instance
}

#[test]
fn snapshots() {
    let names = otlp_captures();
    assert_eq!(names.len(), 32);
    for name in names {
        for (suffix, rules) in [("", Arc::new(default_rules())), (".all", all())] {
            let found = text(&ingested(&rules, &[&name]));
            let path = snapshot_path(&format!("{name}{suffix}"));
            if std::env::var_os("PROMPUSH_WRITE_SNAPSHOTS").is_some() {
                fs::write(&path, &found).unwrap();
            }
            let expected = fs::read_to_string(&path).unwrap_or_default();
            assert_eq!(found, expected, "{name}{suffix}");
        }
    }
}

#[test]
fn a_gateway_would_take_every_body() {
    let key = GroupingKey::new("gptme").unwrap().with("instance", "testhost:1").unwrap();
    for name in otlp_captures() {
        for rules in [Arc::new(default_rules()), all()] {
            let instance = ingested(&rules, &[&name]);
            for format in [Format::Text, Format::OpenMetrics, Format::Protobuf] {
                let body = encode(&instance, format);
                let exposition = parse(&body, format).unwrap();
                assert_eq!(check_push(&exposition, &key), [], "{name}");
            }
        }
    }
}

/// Real gateways judge what our own check accepts.
#[test]
fn real_gateways_take_every_body() {
    for version in Version::ALL {
        let Some(gateway) = Pushgateway::start(version) else { return };
        let config = GatewayConfig::default().proxy_from_environment(false);
        let ours = Gateway::with_config(gateway.url(), config).unwrap();
        for name in otlp_captures() {
            for rules in [Arc::new(default_rules()), all()] {
                let key = GroupingKey::new("gptme").unwrap().with("instance", &name).unwrap();
                ours.push(&key, &ingested(&rules, &[&name])).unwrap();
            }
        }
        let metrics = gateway.metrics();
        let targets: Vec<&str> =
            metrics.lines().filter(|line| line.starts_with("target_info{")).collect();
        assert_eq!(targets.len(), otlp_captures().len(), "{targets:#?}");
    }
}

/// The samples of a body, by name of the metric, part (`value`, `count`, `sum`, bound) and
/// attributes.
type Samples = BTreeMap<(String, String, Vec<(String, String)>), f64>;

/// The samples in the JSON of a capture, under OTLP's names.
fn expected_samples(name: &str) -> Samples {
    let body: Value = serde_json::from_slice(&otlp_capture_json(name)).unwrap();
    let mut samples = Samples::new();
    for scope in body["resourceMetrics"][0]["scopeMetrics"].as_array().unwrap() {
        for metric in scope["metrics"].as_array().unwrap() {
            for kind in ["sum", "gauge", "histogram", "exponentialHistogram"] {
                for point in metric[kind]["dataPoints"].as_array().into_iter().flatten() {
                    add_point(&mut samples, metric["name"].as_str().unwrap(), point);
                }
            }
        }
    }
    samples
}

fn add_point(samples: &mut Samples, name: &str, point: &Value) {
    let mut labels: Vec<(String, String)> = point["attributes"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|attribute| {
            let value = attribute["value"].as_object().unwrap().values().next().unwrap();
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            (attribute["key"].as_str().unwrap().replace('.', "_"), value)
        })
        .collect();
    labels.sort();
    let mut add = |part: &str, value: f64| {
        let key = (name.replace('.', "_"), part.to_owned(), labels.clone());
        assert_eq!(samples.insert(key, value), None, "{name} has a point twice");
    };
    for field in ["asInt", "asDouble"] {
        if let Some(value) = number(&point[field]) {
            add("value", value);
        }
    }
    if let Some(count) = number(&point["count"]) {
        add("count", count);
        add("sum", number(&point["sum"]).unwrap());
    }
    let Some(bounds) = point["explicitBounds"].as_array() else { return };
    let mut cumulative = 0.0;
    for (bound, count) in bounds.iter().zip(point["bucketCounts"].as_array().unwrap()) {
        cumulative += number(count).unwrap();
        add(&format!("le {}", number(bound).unwrap()), cumulative);
    }
}

/// Reads a number. Protobuf's JSON writes 64-bit integers as strings.
fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

/// The samples that are pushed, under OTLP's names. The snapshots check the suffixes of the names.
fn found_samples(instance: &Instance, expected: &Samples, is_exponential: bool) -> Samples {
    let text = encode(instance, Format::Text);
    let exposition = parse(&text, Format::Text).unwrap();
    let mut samples = Samples::new();
    for family in &exposition.families {
        let starts = |(name, ..): &&(String, String, Vec<_>)| {
            let rest = family.name.strip_prefix(name.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
        };
        let Some((name, ..)) = expected.keys().filter(starts).max_by_key(|key| key.0.len()) else {
            continue; // ours
        };
        for metric in &family.metrics {
            let mut labels: Vec<_> = metric
                .labels
                .iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect();
            labels.sort();
            let mut add = |part: String, value: f64| {
                samples.insert((name.clone(), part, labels.clone()), value);
            };
            match &metric.value {
                prompush_core::MetricValue::Number(value) => add("value".to_owned(), *value),
                prompush_core::MetricValue::Histogram(value) => {
                    add("count".to_owned(), value.count);
                    add("sum".to_owned(), value.sum);
                    let is_classic = !is_exponential || family.name.starts_with("gptme_");
                    for bucket in value.buckets.iter().filter(|_| is_classic) {
                        if bucket.upper_bound.is_finite() {
                            add(format!("le {}", bucket.upper_bound), bucket.cumulative_count);
                        }
                    }
                }
                prompush_core::MetricValue::Summary(_) => unreachable!("gptme has none"),
            }
        }
    }
    samples
}

#[test]
fn every_value_is_equal_to_the_value_in_the_json() {
    for name in otlp_captures() {
        let expected = expected_samples(&name);
        assert!(expected.len() > 2, "{name}");
        let instance = ingested(&all(), &[&name]);
        let found = found_samples(&instance, &expected, name == "exponential-histogram");
        for (key, value) in &expected {
            assert_eq!(found.get(key), Some(value), "{name}: {key:?}");
        }
        assert_eq!(found.len(), expected.len(), "{name}");
    }
}

#[test]
fn a_body_of_traces_has_no_metrics() {
    let export = Export::decode(otlp_capture("traces-small"));
    assert!(export.is_err() || export.is_ok_and(|export| export.points() == 0));
}

#[test]
fn the_resource_names_the_sender() {
    let export = decode("agent-resource");
    assert_eq!(export.resource_attribute("service.instance.id"), Some("run-42"));
    assert_eq!(export.resource_attribute("host.name"), Some("testhost"));
    assert_eq!(export.resource_attribute("service.name"), Some("gptme-cli"));
    assert_eq!(export.resource_attribute("nothing"), None);
    assert_eq!(export.points(), 21);
}

#[test]
fn exports_of_one_run_end_where_the_last_one_does() {
    let rules = Arc::new(default_rules());
    let names = ["long-1", "long-2", "long-3-flush", "long-4-shutdown"];
    let own = |instance: &Instance| {
        let text = text(instance);
        text.lines().filter(|line| !line.contains("prompush_otlp")).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(own(&ingested(&rules, &names)), own(&ingested(&rules, &["long-4-shutdown"])));
}

#[test]
fn deltas_add_up() {
    let rules = all();
    let instance = ingested(&rules, &["delta-1", "delta-2", "delta-3"]);
    let expected = |name: &str| expected_samples(name);
    let mut sums = expected("delta-1");
    for name in ["delta-2", "delta-3"] {
        for (key, value) in expected(name) {
            *sums.entry(key).or_default() += value;
        }
    }
    assert_eq!(found_samples(&instance, &sums, false), sums);
    let before = text(&instance);
    instance.ingest(&decode("delta-3"), SystemTime::UNIX_EPOCH);
    let again = found_samples(&instance, &sums, false);
    assert_eq!(again, sums, "a body that comes twice counts once");
    assert_ne!(text(&instance), before, "and that is counted");
}

#[test]
fn requests_with_token_counts_are_one_series() {
    let instance = ingested(&Arc::new(default_rules()), &["gptme-0.31.0-many"]);
    let text = text(&instance);
    let requests: Vec<&str> =
        text.lines().filter(|line| line.starts_with("gptme_llm_requests_total")).collect();
    assert_eq!(
        requests,
        ["gptme_llm_requests_total{model=\"local/test\",provider=\"openai\",success=\"true\"} 9"]
    );
}

#[test]
fn twins_through_one_instance_are_summed_as_two_processes() {
    let rules = Arc::new(default_rules());
    let names = ["twin-a-1", "twin-b-flush", "twin-a-2", "twin-b-shutdown", "twin-a-shutdown"];
    let both = text(&ingested(&rules, &names));
    let value = |text: &str, series: &str| -> f64 {
        let line = text.lines().find(|line| line.starts_with(series)).unwrap();
        line.rsplit(' ').next().unwrap().parse().unwrap()
    };
    let series = "gptme_tokens_total{token_type=\"output\"}";
    let a = value(&text(&ingested(&rules, &["twin-a-shutdown"])), series);
    let b = value(&text(&ingested(&rules, &["twin-b-shutdown"])), series);
    assert!((value(&both, series) - (a + b)).abs() < 0.5, "{a} and {b}");
}

#[test]
fn packed_bodies_are_read_within_their_limit() {
    for (name, encoding) in [("gzip-1", "gzip"), ("deflate", "deflate"), ("deflate", " DEFLATE ")] {
        let body = otlp_capture(name);
        Export::decode(decompress(&body, Some(encoding), 1 << 20).unwrap()).unwrap();
        let too_large = decompress(&body, Some(encoding), body.len()).unwrap_err();
        assert!(matches!(too_large, ContentCodingError::TooLarge { .. }), "{too_large}");
        let cut = decompress(&body[..body.len() / 2], Some(encoding), 1 << 20).unwrap_err();
        assert!(matches!(cut, ContentCodingError::Malformed { .. }), "{cut}");
    }
    // Without the zlib header and checksum, the body is raw deflate.
    let zlib = otlp_capture("deflate");
    let raw = decompress(&zlib[2..zlib.len() - 4], Some("deflate"), 1 << 20).unwrap();
    let raw = Export::decode(raw).unwrap();
    assert_eq!(raw.points(), decode("deflate").points());
    let unknown = decompress(&zlib, Some("br"), 1 << 20).unwrap_err();
    assert_eq!(
        unknown.to_string(),
        "content encoding `br` is not supported: `gzip` and `deflate` are"
    );
}
