//! Guards the bridge to `prometheus_client` in both directions.

use crate::support::encode_text;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::exemplar::CounterWithExemplar;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry as TheirRegistry, Unit};
use prompush_core::{Buckets, Encoder, Format, Registry, parse};

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Tool {
    tool: String,
}

#[test]
fn their_registry_is_a_source() {
    let mut registry = TheirRegistry::with_prefix("app");
    let counter = Family::<Tool, Counter>::default();
    let label = Tool { tool: "q\" b\\ nl\n end".to_owned() };
    counter.get_or_create(&label).inc_by(3);
    registry.register("calls", "line one\nsecond \\ \"line\"\n# not a comment", counter);
    let gauge = Gauge::<f64, std::sync::atomic::AtomicU64>::default();
    gauge.set(f64::INFINITY);
    registry.register_with_unit("age", "Age", Unit::Seconds, gauge);
    let histogram = Histogram::new([0.1, 1.0]);
    histogram.observe(0.5);
    registry.register("latency_seconds", "Latency", histogram);
    let exemplar = CounterWithExemplar::<Tool>::default();
    exemplar.inc_by(1, Some(Tool { tool: "trace".to_owned() }), None);
    registry.register("traced", "With exemplar", exemplar);
    registry.register("build", "Build", Info::new(vec![("version", "1")]));
    assert_eq!(
        encode_text(&registry, Format::Text),
        r#"# HELP app_age_seconds Age.
# TYPE app_age_seconds gauge
app_age_seconds +Inf
# HELP app_build_info Build.
# TYPE app_build_info gauge
app_build_info{version="1"} 1
# HELP app_calls_total line one\nsecond \\ "line"\n# not a comment.
# TYPE app_calls_total counter
app_calls_total{tool="q\" b\\ nl\n end"} 3
# HELP app_latency_seconds Latency.
# TYPE app_latency_seconds histogram
app_latency_seconds_bucket{le="0.1"} 0
app_latency_seconds_bucket{le="1"} 1
app_latency_seconds_bucket{le="+Inf"} 1
app_latency_seconds_sum 0.5
app_latency_seconds_count 1
# HELP app_traced_total With exemplar.
# TYPE app_traced_total counter
app_traced_total 1
"#
    );
}

#[test]
fn names_that_cannot_be_exposed_are_an_error_with_the_line() {
    let mut registry = TheirRegistry::default();
    registry.register("bad name-1", "", Counter::<u64>::default());
    let error = Encoder::new(Format::Text).encode(&registry).map(<[u8]>::len).unwrap_err();
    assert!(error.to_string().contains("bad name-1"), "{error}");
}

#[test]
fn our_registry_is_their_collector() {
    let ours = Registry::new();
    ours.counter_family("calls_total", "Calls.", ["tool"]).unwrap().with(["a\"b\n"]).inc_by(4);
    ours.gauge("temperature", "T.").unwrap().set(1.5);
    let histogram =
        ours.histogram_family("seconds", "S.", ["tool"], Buckets::new([0.5, 1.0]).unwrap());
    let histogram = histogram.unwrap();
    for value in [0.25, 0.75, 0.8, 9.0] {
        histogram.with(["x"]).observe(value);
    }
    let mut theirs = TheirRegistry::default();
    theirs.register_collector(Box::new(ours.clone()));
    let mut body = String::new();
    prometheus_client::encoding::text::encode(&mut body, &theirs).unwrap();
    let read = parse(body.as_bytes(), Format::OpenMetrics).unwrap();
    assert_eq!(encode_text(&read, Format::Text), encode_text(&ours, Format::Text));
}
