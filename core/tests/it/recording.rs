//! Guards the registry: the text of what a program records, and the errors of registration.

use crate::support::encode_text;
use prometheus_client::encoding::EncodeLabelSet;
use prompush_core::{
    Buckets, Counter, EncodeError, Encoder, Format, Histogram, Registry, RegistryError,
};

fn sample_registry() -> Registry {
    let registry = Registry::new();
    registry.counter("rows_total", "Rows.").unwrap().inc_by(9_007_199_254_740_993);
    registry.counter_f64("cost", "Dollars, \"quoted\"\nand \\.").unwrap().inc_by(0.25);
    registry.gauge("temperature_celsius", "").unwrap().set(-3.5);
    registry.info("build", "The build.", [("version", "1.2\"3\"")]).unwrap();
    let calls = registry.counter_family("calls_total", "Calls.", ["tool", "success"]).unwrap();
    calls.with(["shell", "true"]).inc();
    calls.with(["a\\b\n", "false"]).inc_by(2);
    calls.with(["patch", "true"]).inc_by(3);
    let buckets = Buckets::new([0.5, 1.0]).unwrap();
    let seconds = registry.histogram("step_seconds", "Steps.", buckets.clone()).unwrap();
    seconds.observe(0.5);
    seconds.observe(0.75);
    seconds.observe(7.0);
    let by_tool = registry.histogram_family("tool_seconds", "", ["tool"], buckets).unwrap();
    by_tool.with(["shell"]).observe(1.0);
    registry.counter_family("never_used_total", "No series.", ["a"]).unwrap();
    registry
}

#[test]
fn text() {
    assert_eq!(
        encode_text(&sample_registry(), Format::Text),
        r#"# HELP build_info The build.
# TYPE build_info gauge
build_info{version="1.2\"3\""} 1
# HELP calls_total Calls.
# TYPE calls_total counter
calls_total{tool="a\\b\n",success="false"} 2
calls_total{tool="patch",success="true"} 3
calls_total{tool="shell",success="true"} 1
# HELP cost_total Dollars, "quoted"\nand \\.
# TYPE cost_total counter
cost_total 0.25
# HELP rows_total Rows.
# TYPE rows_total counter
rows_total 9007199254740993
# HELP step_seconds Steps.
# TYPE step_seconds histogram
step_seconds_bucket{le="0.5"} 1
step_seconds_bucket{le="1"} 2
step_seconds_bucket{le="+Inf"} 3
step_seconds_sum 8.25
step_seconds_count 3
# TYPE temperature_celsius gauge
temperature_celsius -3.5
# TYPE tool_seconds histogram
tool_seconds_bucket{tool="shell",le="0.5"} 0
tool_seconds_bucket{tool="shell",le="1"} 1
tool_seconds_bucket{tool="shell",le="+Inf"} 1
tool_seconds_sum{tool="shell"} 1
tool_seconds_count{tool="shell"} 1
"#
    );
}

#[test]
fn openmetrics() {
    let body = encode_text(&sample_registry(), Format::OpenMetrics);
    let expected = [
        "# TYPE build info\nbuild_info{version=\"1.2\\\"3\\\"\"} 1\n",
        "# HELP rows Rows.\n# TYPE rows counter\nrows_total 9007199254740993\n",
        "# HELP cost Dollars, \\\"quoted\\\"\\nand \\\\.\n# TYPE cost counter\ncost_total 0.25\n",
        "step_seconds_bucket{le=\"1.0\"} 2\nstep_seconds_bucket{le=\"+Inf\"} 3\n",
    ];
    for expected in expected {
        assert!(body.contains(expected), "{expected} in {body}");
    }
    assert!(body.ends_with("# EOF\n"));
    prompush_core::parse(body.as_bytes(), Format::OpenMetrics).unwrap();
}

#[test]
fn two_formats_say_the_same() {
    let registry = sample_registry();
    let text = encode_text(&registry, Format::Text);
    let openmetrics = encode_text(&registry, Format::OpenMetrics);
    let from_text = prompush_core::parse(text.as_bytes(), Format::Text).unwrap();
    let from_openmetrics =
        prompush_core::parse(openmetrics.as_bytes(), Format::OpenMetrics).unwrap();
    assert_eq!(encode_text(&from_text, Format::Text), encode_text(&from_openmetrics, Format::Text));
    // The parsed text is the same again, but for one number that no float can represent.
    assert_eq!(
        encode_text(&from_text, Format::Text),
        text.replace("9007199254740993", "9007199254740992")
    );
}

#[test]
fn registration_refuses_what_cannot_be_exposed() {
    let registry = Registry::new();
    registry.histogram("h", "", Buckets::default()).unwrap();
    registry.counter("x_total", "").unwrap();
    let duplicate = |name: &str| RegistryError::Duplicate(name.to_owned());
    assert_eq!(registry.counter("x_total", "").unwrap_err(), duplicate("x_total"));
    assert_eq!(registry.counter("x", "").unwrap_err(), duplicate("x_total"));
    assert_eq!(registry.gauge("h", "").unwrap_err(), duplicate("h"));
    for clash in ["h_count", "h_sum", "h_bucket", "x"] {
        let error = registry.gauge(clash, "").unwrap_err();
        assert!(matches!(error, RegistryError::Clash { .. }), "{clash}: {error}");
    }
    for bad in ["", "a-b", "1a", "é"] {
        assert!(matches!(registry.gauge(bad, ""), Err(RegistryError::Name(_))), "{bad}");
        assert!(matches!(registry.counter(bad, ""), Err(RegistryError::Name(_))), "{bad}");
    }
    for bad in [["a", "a"], ["__a", "b"], ["a b", "c"], ["", "b"]] {
        assert!(registry.counter_family("labels", "", bad).is_err(), "{bad:?}");
    }
    assert!(registry.histogram_family("g", "", ["le"], Buckets::default()).is_err());
    for bad in [vec![2.0, 1.0], vec![1.0, 1.0], vec![f64::NAN], vec![f64::INFINITY, 1.0]] {
        assert!(Buckets::new(bad.clone()).is_err(), "{bad:?}");
    }
}

#[test]
fn label_sets_that_join_to_the_same_text_are_two_series() {
    let registry = Registry::new();
    let family = registry.counter_family("f_total", "", ["a", "b"]).unwrap();
    let odd = ["", "a", "ab", "c", "bc", "x\",b=\"y", "y\"", "\\", "\\\\", "\n", "\\n", "\"", "é"];
    for (i, a) in odd.iter().enumerate() {
        for (j, b) in odd.iter().enumerate() {
            family.with([a, b]).inc_by(u64::try_from(i * 100 + j).unwrap());
        }
    }
    assert_eq!(family.len(), odd.len() * odd.len());
    for (i, a) in odd.iter().enumerate() {
        for (j, b) in odd.iter().enumerate() {
            assert_eq!(family.with([a, b]).get(), u64::try_from(i * 100 + j).unwrap());
        }
    }
}

#[test]
fn the_same_state_gives_the_same_bytes() {
    let encode_in = |order: &[&str]| {
        let registry = Registry::new();
        let family = registry.counter_family("f_total", "", ["a"]).unwrap();
        let mut texts = Vec::new();
        for value in order {
            family.with([value]).inc();
            texts.push(encode_text(&registry, Format::Text));
        }
        texts.pop()
    };
    assert_eq!(encode_in(&["b", "a", "c", "ab"]), encode_in(&["c", "ab", "b", "a"]));
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Tool {
    name: String,
    code: u32,
}

#[test]
fn derived_label_sets() {
    let registry = Registry::new();
    let family = registry.derived_family::<Tool, Counter>("tools", "Tools.", ()).unwrap();
    let tool = |name: &str| Tool { name: name.to_owned(), code: 7 };
    family.get_or_create(&tool("she\"ll")).inc();
    family.get_or_create(&tool("she\"ll")).inc();
    family.get_or_create(&tool("} 1\n")).inc();
    assert_eq!(
        encode_text(&registry, Format::Text),
        "# HELP tools_total Tools.\n# TYPE tools_total counter\n\
         tools_total{name=\"she\\\"ll\",code=\"7\"} 2\ntools_total{name=\"} 1\\n\",code=\"7\"} 1\n"
    );
}

#[test]
fn two_sources_are_one_exposition_unless_they_clash() {
    let (one, two) = (Registry::new(), Registry::new());
    one.gauge("b", "").unwrap();
    two.gauge("a", "").unwrap();
    let both = (one.clone(), two.clone());
    assert_eq!(encode_text(&both, Format::Text), "# TYPE a gauge\na 0\n# TYPE b gauge\nb 0\n");
    two.gauge("b", "").unwrap();
    let error = Encoder::new(Format::Text).encode(&both).map(<[u8]>::len).unwrap_err();
    assert_eq!(error, EncodeError::DuplicateFamily("b".to_owned()));
    let three = vec![one.clone(), one];
    assert!(Encoder::new(Format::Text).encode(&three).is_err());
}

#[test]
fn a_handle_may_be_held_while_others_are_made() {
    let registry = Registry::new();
    let family = registry.counter_family("f_total", "", ["a"]).unwrap();
    let held: Vec<&Counter> = (0..500).map(|i| family.with([i.to_string()])).collect();
    let text = encode_text(&registry, Format::Text);
    for counter in &held {
        counter.inc();
    }
    assert_eq!(text.lines().count(), 501);
    assert!(held.iter().all(|counter| counter.get() == 1));
}

#[test]
fn a_timer_records_once_unless_it_is_discarded() {
    let registry = Registry::new();
    let seconds = registry.histogram("s", "", Buckets::default()).unwrap();
    drop(seconds.start_timer());
    let elapsed = seconds.start_timer().observe();
    seconds.start_timer().discard();
    assert_eq!(seconds.count(), 2);
    assert!(seconds.sum() >= elapsed.as_secs_f64());
    let gauge = registry.gauge("last_success_timestamp_seconds", "").unwrap();
    gauge.set_to_current_time();
    assert!(gauge.get() > 1.7e9);
}

#[test]
fn beyond_its_limit_a_family_has_one_overflow_series() {
    let registry = Registry::new();
    let errors = registry.counter_family("errors_total", "", ["tool", "message"]).unwrap();
    let errors = errors.limit_series(4);
    errors.with(["overflow", "overflow"]).inc_by(10);
    for message in 0..100_000 {
        errors.with(["shell", &message.to_string()]).inc();
        errors.with(["shell", "1"]).inc();
    }
    let tools = registry.derived_family::<Tool, Counter>("tools", "", ()).unwrap().limit_series(0);
    tools.get_or_create(&Tool { name: "a".to_owned(), code: 1 }).inc_by(5);
    assert_eq!(errors.len(), 4);
    assert_eq!(
        encode_text(&registry, Format::Text),
        "# TYPE errors_total counter\n\
         errors_total{tool=\"overflow\",message=\"overflow\"} 100007\n\
         errors_total{tool=\"shell\",message=\"0\"} 1\n\
         errors_total{tool=\"shell\",message=\"1\"} 100001\n\
         errors_total{tool=\"shell\",message=\"2\"} 1\n\
         # HELP prompush_series_overflow_total Recordings whose labels were beyond the limit of a metric family or not allowed.\n\
         # TYPE prompush_series_overflow_total counter\n\
         prompush_series_overflow_total{metric=\"errors_total\"} 99997\n\
         prompush_series_overflow_total{metric=\"tools_total\"} 1\n\
         # TYPE tools_total counter\n\
         tools_total 5\n"
    );
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Reserved {
    __name: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Le {
    le: String,
}

#[test]
fn a_derived_label_set_with_a_reserved_name_goes_to_the_overflow_series() {
    let registry = Registry::new();
    let buckets = Buckets::new([1.0]).unwrap();
    let family = registry.derived_family::<Le, Histogram>("h", "", buckets).unwrap();
    family.get_or_create(&Le { le: "x".to_owned() }).observe(0.5);
    let text = encode_text(&registry, Format::Text);
    assert!(text.contains("h_bucket{le=\"1\"} 1\n"), "{text}");
    prompush_core::parse(text.as_bytes(), Format::Text).unwrap();

    let registry = Registry::new();
    let family = registry.derived_family::<Reserved, Counter>("r", "", ()).unwrap();
    for name in ["x", "y", "x"] {
        family.get_or_create(&Reserved { __name: name.to_owned() }).inc();
    }
    assert_eq!(
        encode_text(&registry, Format::Text),
        "# HELP prompush_series_overflow_total Recordings whose labels were beyond the limit of a metric family or not allowed.\n\
         # TYPE prompush_series_overflow_total counter\n\
         prompush_series_overflow_total{metric=\"r_total\"} 3\n\
         # TYPE r_total counter\n\
         r_total 3\n"
    );
}
