//! Guards the protobuf encoder: its output has the same samples as the text. A decoder generated from
//! Prometheus's own `metrics.proto` and real gateways read it.

use std::borrow::Cow;

use crate::support::encode;
use prometheus::proto;
use prompush_core::{
    Bucket, Buckets, Encoder, Exposition, Format, HistogramValue, Label, Metric, MetricFamily,
    MetricType, MetricValue, Quantile, Registry, Source, SummaryValue, parse, protobuf as ours,
};
use prompush_testing::{Pushgateway, Version};
use proptest::prelude::*;
use protobuf::CodedInputStream;

/// Every metric type, with and without labels.
fn registry() -> Registry {
    let registry = Registry::new();
    registry.counter("rows_total", "Rows.").unwrap().inc_by(9_007_199_254_740_992);
    let calls = registry.counter_family("calls_total", "Calls\nmade \\ \"x\".", ["tool", "ok"]);
    let calls = calls.unwrap();
    calls.with(["q\" b\\ nl\n,e=\"n\"", "true"]).inc_by(3);
    calls.with(["", ""]).inc();
    calls.with(["ü€", &"long ".repeat(100)]).inc_by(128);
    registry.counter_f64("cost_total", "").unwrap().inc_by(0.1 + 0.2);
    let gauges = registry.gauge_family("load", "Load.", ["host"]).unwrap();
    for (host, value) in
        [("a", -0.0), ("b", f64::INFINITY), ("c", f64::MIN_POSITIVE), ("d", -1e300)]
    {
        gauges.with([host]).set(value);
    }
    registry.gauge_family("empty", "No series.", ["host"]).unwrap();
    let buckets = Buckets::new([-1.0, 0.5, 2.0]).unwrap();
    let seconds = registry.histogram_family("seconds", "S.", ["path"], buckets).unwrap();
    for value in [0.1, 0.2, 1.5, 99.0] {
        seconds.with(["/a,b=\"c\""]).observe(value);
    }
    for _ in 0..300 {
        seconds.with(["/many"]).observe(-2.0);
    }
    registry.histogram("plain", "", Buckets::default()).unwrap().observe(0.5);
    registry.info("build_info", "Build.", [("version", "1.2.3")]).unwrap();
    registry
}

/// A sample as text would write it, its labels sorted.
fn line(name: &str, labels: &[proto::LabelPair], more: Option<(&str, f64)>, value: f64) -> String {
    let mut pairs: Vec<_> = labels.iter().map(|pair| (pair.name(), pair.value().into())).collect();
    pairs.extend(more.map(|(name, bound)| (name, bound.to_string())));
    pairs.sort();
    format!("{name} {pairs:?} {value:?}")
}

/// The samples, as `protobuf`'s decoder reads them.
fn decoded(mut body: &[u8]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut input = CodedInputStream::new(&mut body);
    while !input.eof().unwrap() {
        let family: proto::MetricFamily = input.read_message().unwrap();
        assert!(family.special_fields.unknown_fields().iter().next().is_none());
        let name = family.name();
        lines.push(format!("{name} is a {:?}: {}", family.get_field_type(), family.help()));
        for metric in family.get_metric() {
            let labels = metric.get_label();
            match family.get_field_type() {
                proto::MetricType::COUNTER => {
                    lines.push(line(name, labels, None, metric.get_counter().value()));
                }
                proto::MetricType::GAUGE => {
                    lines.push(line(name, labels, None, metric.get_gauge().value()));
                }
                proto::MetricType::HISTOGRAM => {
                    let histogram = metric.get_histogram();
                    for bucket in histogram.get_bucket() {
                        let bound = Some(("le", bucket.upper_bound()));
                        lines.push(line(name, labels, bound, float(bucket.cumulative_count())));
                    }
                    lines.push(line(name, labels, None, histogram.get_sample_sum()));
                    lines.push(line(name, labels, None, float(histogram.get_sample_count())));
                }
                other => panic!("{other:?}"),
            }
        }
    }
    lines
}

/// The samples of an exposition, in the form of [`decoded`].
fn read(exposition: &Exposition<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    for family in &exposition.families {
        let name = &*family.name;
        let kind = family.metric_type.as_str().to_uppercase();
        lines.push(format!("{name} is a {kind}: {}", family.help.as_deref().unwrap_or_default()));
        for metric in &family.metrics {
            let labels: Vec<_> = metric.labels.iter().map(pair).collect();
            match &metric.value {
                MetricValue::Number(value) => lines.push(line(name, &labels, None, *value)),
                MetricValue::Histogram(histogram) => {
                    for bucket in &histogram.buckets {
                        let bound = Some(("le", bucket.upper_bound));
                        lines.push(line(name, &labels, bound, bucket.cumulative_count));
                    }
                    lines.push(line(name, &labels, None, histogram.sum));
                    lines.push(line(name, &labels, None, histogram.count));
                }
                MetricValue::Summary(summary) => panic!("{summary:?}"),
            }
        }
    }
    lines
}

fn pair((name, value): (&str, &str)) -> proto::LabelPair {
    let mut pair = proto::LabelPair::default();
    pair.set_name(name.to_owned());
    pair.set_value(value.to_owned());
    pair
}

#[expect(clippy::cast_precision_loss, reason = "small counts")]
fn float(count: u64) -> f64 {
    count as f64
}

#[test]
fn another_decoder_reads_the_samples_of_the_text() {
    let registry = registry();
    let text = encode(&registry, Format::Text);
    let text = parse(&text, Format::Text).unwrap();
    let body = encode(&registry, Format::Protobuf);
    assert_eq!(decoded(&body), read(&text));
    assert_eq!(read(&parse(&body, Format::Protobuf).unwrap()), read(&text));
    // A parsed body, encoded again, has the same samples.
    assert_eq!(decoded(&encode(&text, Format::Protobuf)), read(&text));
}

#[test]
fn families_and_samples_are_counted_as_in_text() {
    let registry = registry();
    let (mut text, mut binary) = (Encoder::new(Format::Text), Encoder::new(Format::Protobuf));
    text.encode(&registry).unwrap();
    binary.encode(&registry).unwrap();
    assert_eq!((binary.families(), binary.samples()), (text.families(), text.samples()));
    assert!(binary.chunks().map(|(name, _)| name).eq(text.chunks().map(|(name, _)| name)));
    for (name, chunk) in binary.chunks() {
        let one = ours::decode(chunk).unwrap();
        assert_eq!((one.families.len(), &*one.families[0].name), (1, name));
    }
}

#[test]
fn series_created_later_are_encoded() {
    let registry = Registry::new();
    let calls = registry.counter_family("calls_total", "Calls.", ["tool"]).unwrap();
    let mut encoder = Encoder::new(Format::Protobuf);
    assert!(encoder.encode(&registry).unwrap().is_empty());
    // These sizes make message lengths of one, two and three bytes.
    for at in (0..2000).rev() {
        calls.with([at.to_string()]).inc_by(at);
        if at % 100 == 0 || at > 1990 {
            let body = encoder.encode(&registry).unwrap().to_vec();
            assert_eq!(encoder.encode(&registry).unwrap(), body, "the same state, the same bytes");
            let text = encode(&registry, Format::Text);
            assert_eq!(decoded(&body), read(&parse(&text, Format::Text).unwrap()));
        }
    }
}

#[test]
fn the_overflow_series_is_encoded() {
    let registry = Registry::new();
    let calls = registry.counter_family("calls_total", "Calls.", ["tool"]).unwrap();
    let mut encoder = Encoder::new(Format::Protobuf);
    for (at, tool) in ["p", "z", "a", "m", "beyond", "late", "later"].into_iter().enumerate() {
        // The limit is raised, so that new series come after the overflow series.
        let calls = calls.clone().limit_series(if at > 4 { 9 } else { 4 });
        calls.with([tool]).inc_by(at as u64 + 1);
        let body = encoder.encode(&registry).unwrap();
        let text = encode(&registry, Format::Text);
        assert_eq!(decoded(body), read(&parse(&text, Format::Text).unwrap()));
    }
}

#[test]
fn several_sources_are_sorted_together() {
    let (late, early) = (Registry::new(), Registry::new());
    late.gauge("z", "Z.").unwrap().set(1.0);
    early.gauge("a", "A.").unwrap().set(2.0);
    let body = encode(&(&late, &early), Format::Protobuf);
    assert_eq!(body, encode(&(&early, &late), Format::Protobuf));
    assert_eq!(decoded(&body), ["a is a GAUGE: A.", "a [] 2.0", "z is a GAUGE: Z.", "z [] 1.0"]);
    let error = Encoder::new(Format::Protobuf).encode(&(&late, &late)).map(<[u8]>::len);
    assert_eq!(error.unwrap_err().to_string(), "two metric families have the name `z`");
}

#[test]
fn an_incomplete_body_is_an_error_with_its_place() {
    let body = encode(&registry(), Format::Protobuf);
    let error = parse(&body[..body.len() - 1], Format::Protobuf).unwrap_err();
    assert_eq!(error.line, 1);
    assert!(error.to_string().ends_with("unexpected EOF"), "{error}");
    let (exposition, errors) = prompush_core::parse_all(b"foo 1\n", Format::Protobuf);
    assert_eq!((exposition.families.len(), errors.len()), (0, 1));
}

/// The metrics that a gateway shows after a push of `source` in `format`.
fn pushed(gateway: &Pushgateway, source: &impl Source, format: Format) -> Vec<String> {
    let body = encode(source, format);
    let answer = gateway.request(
        "PUT",
        "/metrics/job/test",
        &[("Content-Type", format.content_type())],
        &body,
    );
    assert_eq!(answer.status, 200, "{} refuses {format:?}: {}", gateway.version(), answer.text());
    let metrics = gateway.metrics();
    let is_ours = |line: &&str| line.contains("job=\"test\"") && !line.contains("_time_seconds{");
    metrics.lines().filter(is_ours).map(str::to_owned).collect()
}

/// A body with the types that our registry does not have.
const FOREIGN: &str = "# HELP s Summary.\n# TYPE s summary\ns{a=\"b\",quantile=\"0.5\"} 1.5\n\
    s{a=\"b\",quantile=\"0.99\"} NaN\ns_sum{a=\"b\"} 7.25\ns_count{a=\"b\"} 9\n\
    # TYPE u untyped\nu -3\n# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_sum 3\nh_count 4\n";

#[test]
fn gateways_show_protobuf_and_text_alike() {
    for version in Version::ALL {
        let Some(gateway) = Pushgateway::start(version) else { continue };
        let registry = registry();
        let text = pushed(&gateway, &registry, Format::Text);
        assert_eq!(text.len(), 36, "{text:#?}");
        assert_eq!(pushed(&gateway, &registry, Format::Protobuf), text, "{version}");
        let foreign = parse(FOREIGN.as_bytes(), Format::Text).unwrap();
        let text = pushed(&gateway, &foreign, Format::Text);
        assert_eq!(text.len(), 9, "{text:#?}");
        assert_eq!(pushed(&gateway, &foreign, Format::Protobuf), text, "{version}");
    }
}

fn number() -> impl Strategy<Value = f64> {
    // NaN is unequal to itself.
    prop_oneof![proptest::num::f64::ANY.prop_filter("a number", |value| !value.is_nan()), 0.0..9.0]
}

/// Counts that the formats have: whole or not, but never negative.
fn count() -> impl Strategy<Value = f64> {
    prop_oneof![
        (0_u64..1 << 53).prop_map(float),
        number().prop_map(f64::abs),
        Just(2.0_f64.powi(64))
    ]
}

fn whole_count() -> impl Strategy<Value = f64> {
    (0_u64..1 << 53).prop_map(float)
}

fn text() -> impl Strategy<Value = Cow<'static, str>> {
    prop_oneof!["[a-z]{0,9}", ".{0,9}", ".{120,140}"].prop_map(Cow::Owned)
}

fn value(metric_type: MetricType) -> BoxedStrategy<MetricValue> {
    match metric_type {
        MetricType::Histogram => {
            let bucket = (number(), count());
            let bucket = bucket.prop_map(|(upper_bound, cumulative_count)| Bucket {
                upper_bound,
                cumulative_count,
            });
            let value = (proptest::collection::vec(bucket, 0..20), number(), count());
            let value =
                value.prop_map(|(buckets, sum, count)| HistogramValue { buckets, sum, count });
            value.prop_map(MetricValue::Histogram).boxed()
        }
        MetricType::Summary => {
            let quantile = (number(), number());
            let quantile = quantile.prop_map(|(quantile, value)| Quantile { quantile, value });
            let value = (proptest::collection::vec(quantile, 0..9), number(), whole_count());
            let value =
                value.prop_map(|(quantiles, sum, count)| SummaryValue { quantiles, sum, count });
            value.prop_map(MetricValue::Summary).boxed()
        }
        _ => number().prop_map(MetricValue::Number).boxed(),
    }
}

fn metric(metric_type: MetricType) -> impl Strategy<Value = Metric<'static>> {
    let label = (text(), text()).prop_map(|(name, value)| Label { name, value });
    let labels = proptest::collection::vec(label, 0..5);
    let timestamp = proptest::option::of(proptest::num::i64::ANY);
    (labels, value(metric_type), timestamp).prop_map(|(labels, value, timestamp_ms)| Metric {
        labels: labels.into(),
        value,
        timestamp_ms,
        line: 0,
    })
}

fn family() -> impl Strategy<Value = MetricFamily<'static>> {
    let types = prop_oneof![
        Just(MetricType::Counter),
        Just(MetricType::Gauge),
        Just(MetricType::Histogram),
        Just(MetricType::Summary),
        Just(MetricType::Untyped),
    ];
    types.prop_flat_map(|metric_type| {
        let metrics = proptest::collection::vec(metric(metric_type), 1..6);
        (text(), proptest::option::of(text()), metrics).prop_map(move |(name, help, metrics)| {
            MetricFamily { name, help, metric_type, metrics }
        })
    })
}

fn exposition() -> impl Strategy<Value = Exposition<'static>> {
    proptest::collection::vec(family(), 0..6).prop_map(|mut families| {
        families.sort_by(|a, b| a.name.cmp(&b.name));
        families.dedup_by(|a, b| a.name == b.name);
        Exposition { families }
    })
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(exposition in exposition()) {
        let body = encode(&exposition, Format::Protobuf);
        prop_assert_eq!(ours::decode(&body).unwrap(), exposition);
    }
}
