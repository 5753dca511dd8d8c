//! Guards: an instance accounts for exports by the rules of OTLP and of Prometheus's receiver.

use std::sync::Arc;
use std::time::SystemTime;

use prompush_otlp::{Export, FamilyAlias, Instance, Rules};
use prompush_testing::otlp_body::{
    CUMULATIVE, DELTA, Message, Span, attribute, attributes, buckets, bytes, counter, double,
    exponential, export, fixed, gauge, histogram, integer, number, sum, summary, whole,
};

use crate::support::{ingest, ingest_body, text};

fn with(rules: &str) -> Instance {
    Instance::new(Arc::new(Rules::parse(rules).unwrap()))
}

fn instance() -> Instance {
    with("drop attribute lost")
}

/// The samples of the program's own metrics.
fn samples(instance: &Instance) -> String {
    let text = text(instance);
    let own = |line: &&str| !line.starts_with('#') && !line.starts_with("prompush_");
    text.lines().filter(own).collect::<Vec<_>>().join("\n")
}

/// Ingests the exports one after another, and compares the samples.
#[track_caller]
fn check(exports: &[&[Message]], expected: &str) {
    let instance = instance();
    for metrics in exports {
        ingest(&instance, metrics);
    }
    assert_eq!(samples(&instance), expected);
}

const A: &[(&str, &str)] = &[("lost", "a")];
const B: &[(&str, &str)] = &[("lost", "b")];

fn count(labels: &[(&str, &str)], start: u64, time: u64, value: i64) -> Message {
    integer(labels, Span(start, time), value)
}

#[test]
fn points_that_differ_in_a_dropped_attribute_are_summed() {
    check(&[&[counter("c", &[count(A, 1, 9, 2), count(B, 2, 9, 3)])]], "c_total 5");
    let of = |labels, counts| buckets(labels, Span(1, 9), 1.5, &[1.0], counts);
    check(
        &[&[histogram("h", CUMULATIVE, &[of(A, &[1, 2]), of(B, &[10, 20])])]],
        "h_seconds_bucket{le=\"1\"} 11\nh_seconds_bucket{le=\"+Inf\"} 33\nh_seconds_sum 3\n\
         h_seconds_count 33",
    );
    check(&[&[gauge("g", "", &[count(A, 0, 9, 2), count(B, 0, 9, 3)])]], "g 3");
    let up_down = |points: &[Message]| sum("u", CUMULATIVE, false, points);
    check(&[&[up_down(&[count(A, 1, 9, 2), count(B, 1, 9, 3)])]], "u 5");
}

#[test]
fn a_restart_goes_on_from_where_the_series_was() {
    let first = [counter("c", &[count(A, 1, 9, 10), count(B, 1, 9, 100)])];
    // Another start time means a restart, even if the value is higher.
    check(&[&first, &[counter("c", &[count(A, 5, 19, 3), count(B, 1, 19, 101)])]], "c_total 114");
    check(&[&first, &[counter("c", &[count(A, 5, 19, 30), count(B, 1, 19, 100)])]], "c_total 140");
    // A smaller value means a restart if the start time is missing or unchanged.
    check(&[&first, &[counter("c", &[count(A, 1, 19, 3), count(B, 1, 19, 101)])]], "c_total 114");
    let unset = [counter("c", &[count(A, 0, 9, 10)])];
    check(&[&unset, &[counter("c", &[count(A, 0, 19, 3)])]], "c_total 13");
    // A series that is not sent again keeps its value.
    check(&[&first, &[counter("c", &[count(A, 1, 19, 11)])]], "c_total 111");
}

#[test]
fn histograms_restart_too() {
    let of = |start, time, sum, counts| buckets(A, Span(start, time), sum, &[1.0], counts);
    let one = |point| [histogram("h", CUMULATIVE, &[point])];
    let expected = "h_seconds_bucket{le=\"1\"} 6\nh_seconds_bucket{le=\"+Inf\"} 11\n\
                    h_seconds_sum 7\nh_seconds_count 11";
    check(&[&one(of(1, 9, 5.0, &[5, 5])), &one(of(2, 19, 2.0, &[1, 0]))], expected);
    check(&[&one(of(1, 9, 5.0, &[5, 5])), &one(of(1, 19, 2.0, &[1, 0]))], expected);
}

#[test]
fn an_older_value_does_not_count() {
    let new = [counter("c", &[count(A, 1, 20, 10)])];
    check(&[&new, &[counter("c", &[count(A, 1, 10, 4)])]], "c_total 10");
    check(&[&new, &new], "c_total 10");
}

#[test]
fn two_processes_with_one_resource_are_summed_however_they_alternate() {
    let parent = |time, value| [counter("c", &[count(&[], 1, time, value)])];
    let child = |time, value| [counter("c", &[count(&[], 5, time, value)])];
    check(
        &[&parent(10, 100), &child(11, 1), &parent(20, 101), &child(21, 2), &parent(30, 102)],
        "c_total 104",
    );
}

#[test]
fn a_forked_child_that_repeats_its_parents_values_adds_nothing() {
    let instance = instance();
    let send = |sender, time, value| {
        let body = export(&[("", counter("c", &[count(&[], 1, time, value)]))]);
        let export = Export::decode(body).unwrap();
        instance.ingest_from(sender, &export, SystemTime::UNIX_EPOCH)
    };
    for round in 0..5 {
        send(1, 10 * round, 100 + i64::try_from(round).unwrap());
        send(2, 10 * round + 1, 100);
    }
    assert_eq!(samples(&instance), "c_total 104");
    // A smaller value from the same sender is still a restart.
    assert_eq!(send(1, 100, 3).taken, 1);
    assert_eq!(samples(&instance), "c_total 107");
}

#[test]
fn deltas_accumulate_and_a_repetition_does_not() {
    let delta = |start, time, value| [sum("c", DELTA, true, &[count(A, start, time, value)])];
    check(&[&delta(1, 2, 5), &delta(2, 3, 7), &delta(2, 3, 7), &delta(3, 4, 1)], "c_total 13");
    let up_down = |start, time, value| [sum("u", DELTA, false, &[count(A, start, time, value)])];
    check(&[&up_down(1, 2, 5), &up_down(2, 3, -7)], "u -2");
    let of = |start, time, counts| {
        [histogram("h", DELTA, &[buckets(A, Span(start, time), 1.0, &[1.0], counts)])]
    };
    check(
        &[&of(1, 2, &[1, 2]), &of(2, 3, &[3, 4])],
        "h_seconds_bucket{le=\"1\"} 4\nh_seconds_bucket{le=\"+Inf\"} 10\nh_seconds_sum 2\n\
         h_seconds_count 10",
    );
    // Integers stay exact.
    let large = 1 << 52;
    check(&[&delta(1, 2, large), &delta(2, 3, 1)], "c_total 4503599627370497");
}

#[test]
fn a_sum_that_goes_up_and_down_is_a_gauge() {
    let up_down =
        |start, time, value| [sum("u", CUMULATIVE, false, &[count(A, start, time, value)])];
    check(&[&up_down(1, 2, 5), &up_down(1, 3, 3)], "u 3");
    check(&[&up_down(1, 2, 5), &up_down(9, 10, 1)], "u 1");
    let instance = instance();
    ingest(&instance, &up_down(1, 2, 5));
    assert!(text(&instance).contains("# TYPE u gauge\n"));
}

#[test]
fn scopes_with_one_name_are_merged() {
    let instance = instance();
    let (a, b) = (counter("c", &[count(&[], 1, 9, 2)]), counter("c", &[count(&[], 1, 9, 3)]));
    ingest_body(&instance, &export(&[("openai", a), ("anthropic", b)]));
    assert_eq!(samples(&instance), "c_total 5");
}

#[test]
fn a_metric_with_the_name_of_another_is_dropped_and_reported() {
    let instance = instance();
    let ingested = ingest(
        &instance,
        &[
            counter("c", &[count(&[], 1, 9, 2)]),
            gauge("c_total", "", &[count(&[], 1, 9, 7)]),
            histogram("h", CUMULATIVE, &[buckets(&[], Span(1, 9), 1.0, &[], &[1])]),
            counter("h_seconds_count_total", &[count(&[], 1, 9, 2)]),
            gauge("h.seconds.count", "", &[count(&[], 1, 9, 2)]),
            gauge("target.info", "", &[count(&[], 1, 9, 2)]),
        ],
    );
    assert_eq!((ingested.taken, ingested.dropped), (3, 3));
    let notices: Vec<String> = ingested.notices.iter().map(ToString::to_string).collect();
    assert_eq!(
        notices,
        [
            "metric `c_total` is dropped: a metric of another type has its name",
            "metric `h.seconds.count` is dropped: a metric of another type has its name",
            "metric `target.info` is dropped: a metric of another type has its name",
        ]
    );
    assert!(text(&instance).contains("points_total{cause=\"name_clash\"} 3\n"));
}

#[test]
fn summaries() {
    let quantile = |quantile, value| bytes(6, [double(1, quantile), double(2, value)].concat());
    let point = |labels, start, count, value| {
        let rest = [fixed(4, count), double(5, 1.5), quantile(0.5, value)].concat();
        [attributes(7, labels), fixed(2, start), fixed(3, 9), rest].concat()
    };
    check(
        &[&[summary("s", &[point(A, 1, 2, 0.25)])], &[summary("s", &[point(A, 1, 3, 0.5)])]],
        "s{quantile=\"0.5\"} 0.5\ns_sum 1.5\ns_count 3",
    );
    check(&[&[summary("s", &[point(A, 1, 2, 0.25), point(B, 1, 3, 0.5)])]], "s_sum 3\ns_count 5");
}

#[test]
fn exponential_histograms_become_powers_of_two() {
    // Scale 1: (1.41, 2], (2, 2.82], (2.82, 4]; the last one far above every bound.
    let positive = [whole(1, 2), bytes(2, [1, 2, 3])].concat();
    let point = [
        fixed(2, 1),
        fixed(3, 9),
        fixed(4, 13),
        double(5, 20.0),
        whole(6, 2),
        fixed(7, 4),
        bytes(8, positive),
        bytes(9, [whole(1, 0), bytes(2, [3])].concat()),
    ]
    .concat();
    let instance = instance();
    ingest(&instance, &[exponential("e", "token", &[point])]);
    let samples = samples(&instance);
    let lines: Vec<&str> = samples.lines().collect();
    assert_eq!(lines.len(), 24, "{samples}");
    assert_eq!(
        lines[..4],
        [
            "e_token_bucket{le=\"1\"} 7",
            "e_token_bucket{le=\"2\"} 8",
            "e_token_bucket{le=\"4\"} 13",
            "e_token_bucket{le=\"8\"} 13",
        ]
    );
    assert_eq!(lines[22..], ["e_token_sum 20", "e_token_count 13"]);
}

#[test]
fn values_of_every_type_become_labels() {
    let array = bytes(5, [bytes(1, bytes(1, "x\"")), bytes(1, whole(3, 2))].concat());
    let map = bytes(6, bytes(1, attribute("k", whole(2, 0))));
    let values = [
        ("string", bytes(1, "é\n")),
        ("bool", whole(2, 1)),
        ("int", whole(3, (-5_i64).cast_unsigned())),
        ("double", double(4, 0.5)),
        ("large", double(4, 1e21)),
        ("small", double(4, 1.5e-7)),
        ("whole", double(4, 3.0)),
        ("array", array),
        ("map", map),
        ("bytes", bytes(7, [0xFF, 0])),
        ("empty", bytes(1, "")),
        ("none", Vec::new()),
    ];
    let attributes: Vec<u8> =
        values.into_iter().flat_map(|(key, value)| bytes(7, attribute(key, value))).collect();
    let point = [attributes, number(&[], Span(0, 9), 1.0)].concat();
    check(
        &[&[gauge("g", "", &[point])]],
        "g{array=\"[\\\"x\\\\\\\"\\\",2]\",bool=\"true\",bytes=\"/wA=\",double=\"0.5\",\
         int=\"-5\",large=\"1e+21\",map=\"{\\\"k\\\":false}\",small=\"1.5e-7\",\
         string=\"é\\n\",whole=\"3\"} 1",
    );
}

#[test]
fn names_that_become_one_label_are_joined() {
    let labels = &[("a_b", "2"), ("a.b", "1"), ("a-b", "0"), ("é", "gone"), ("__name__", "x")];
    check(
        &[&[gauge("g", "", &[number(labels, Span(0, 9), 1.0)])]],
        "g{a_b=\"0;1;2\",key__name__=\"x\"} 1",
    );
    let labels = &[("job", "j"), ("instance", "i"), ("le", "1"), ("quantile", "q")];
    check(
        &[&[gauge("g", "", &[number(labels, Span(0, 9), 1.0)])]],
        "g{exported_instance=\"i\",exported_job=\"j\",exported_le=\"1\",exported_quantile=\"q\"} 1",
    );
}

#[test]
fn an_impossible_value_is_dropped_alone() {
    let instance = instance();
    let flagged = [number(&[], Span(1, 9), 4.0), whole(8, 1)].concat();
    let ingested = ingest(
        &instance,
        &[
            counter("negative", &[count(&[], 1, 9, -1)]),
            counter("nan", &[number(&[], Span(1, 9), f64::NAN)]),
            sum("neither", 0, true, &[count(&[], 1, 9, 1)]),
            histogram("h", CUMULATIVE, &[buckets(&[], Span(1, 9), 1.0, &[1.0], &[1])]),
            histogram("h", CUMULATIVE, &[buckets(&[], Span(1, 9), 1.0, &[2.0, 1.0], &[1, 1, 1])]),
            exponential("e", "", &[[fixed(3, 9), whole(6, 80)].concat()]),
            gauge("empty", "", &[fixed(3, 9)]),
            gauge("flagged", "", &[flagged]),
            gauge("@", "", &[count(&[], 1, 9, 1)]),
            gauge("nan_gauge", "", &[number(&[], Span(1, 9), f64::NAN)]),
        ],
    );
    assert_eq!(samples(&instance), "nan_gauge NaN");
    assert_eq!((ingested.taken, ingested.dropped), (1, 9));
    let text = text(&instance);
    for (cause, count) in [("invalid", 7), ("no_recorded_value", 1), ("name", 1)] {
        assert!(text.contains(&format!("points_total{{cause=\"{cause}\"}} {count}\n")), "{text}");
    }
}

#[test]
fn a_label_that_is_too_long_drops_the_point() {
    let instance = instance();
    let long = "x".repeat(5_000);
    let ingested = ingest(&instance, &[counter("c", &[count(&[("a", &long)], 1, 9, 1)])]);
    assert_eq!((ingested.taken, ingested.dropped), (0, 1));
}

#[test]
fn histograms_with_different_bounds_are_summed() {
    let of = |labels, bounds: &[f64], counts| buckets(labels, Span(1, 9), 1.0, bounds, counts);
    check(
        &[&[histogram(
            "h",
            CUMULATIVE,
            &[of(A, &[1.0, 4.0], &[1, 1, 1]), of(B, &[1.0, 2.0, 4.0], &[1, 1, 1, 1])],
        )]],
        "h_seconds_bucket{le=\"1\"} 2\nh_seconds_bucket{le=\"4\"} 5\nh_seconds_bucket{le=\"+Inf\"} 7\n\
         h_seconds_sum 2\nh_seconds_count 7",
    );
}

#[test]
fn series_beyond_the_limit_are_dropped_and_counted() {
    let instance = with("limit series 10");
    let values: Vec<String> = (0..50).map(|number| number.to_string()).collect();
    let points: Vec<Message> = values.iter().map(|value| count(&[("x", value)], 1, 9, 1)).collect();
    let ingested = ingest(&instance, &[counter("c", &points)]);
    assert_eq!((ingested.taken, ingested.dropped), (10, 40));
    assert_eq!(samples(&instance).lines().count(), 10);
    assert_eq!(ingested.notices.len(), 1);
    // Series that exist go on.
    let point = count(&[("x", "0")], 1, 19, 5);
    let ingested = ingest(&instance, &[counter("c", &[point])]);
    assert_eq!((ingested.taken, ingested.dropped, ingested.notices.len()), (1, 0, 0));
    assert!(text(&instance).contains("points_total{cause=\"series_limit\"} 40\n"));
    assert!(samples(&instance).contains("c_total{x=\"0\"} 5"));
}

#[test]
fn an_alias_is_a_second_name_without_the_series_of_one_label() {
    const ALIAS: FamilyAlias = FamilyAlias {
        name: "bytes_total",
        help: "Bytes, each counted once.",
        sources: &["old_bytes_moved_total", "bytes_moved_total"],
        without: ("direction", "both"),
    };
    let aliased = |rules: &str| {
        let rules = Rules::parse(rules).unwrap().with_alias(ALIAS);
        Instance::new(Arc::new(rules))
    };
    let of = |direction, value| count(&[("direction", direction)], 1, 9, value);
    let metrics = [counter("bytes_moved", &[of("in", 3), of("out", 2), of("both", 5)])];
    let on = aliased("");
    ingest(&on, &metrics);
    let found = samples(&on);
    assert_eq!(found.lines().filter(|line| line.starts_with("bytes_total")).count(), 2);
    assert!(text(&on).contains("# HELP bytes_total Bytes, each counted once.\n"));
    let off = aliased("drop metric bytes_total");
    ingest(&off, &metrics);
    assert!(!samples(&off).contains("bytes_total"));
    assert_eq!(samples(&off).lines().count(), 3);
    // A family that the program itself exports under that name has precedence.
    let own = aliased("");
    ingest(&own, &[counter("bytes", &[of("in", 7)]), counter("bytes_moved", &[of("in", 3)])]);
    assert!(samples(&own).contains("bytes_total{direction=\"in\"} 7"));
}

#[test]
fn the_resource_becomes_target_info() {
    let resource = bytes(
        1,
        [
            bytes(1, attribute("service.name", bytes(1, "agent-cli"))),
            bytes(1, attribute("process.command_args", bytes(1, "the prompt"))),
            bytes(1, attribute("job", bytes(1, "x"))),
        ]
        .concat(),
    );
    let instance = instance();
    ingest_body(&instance, &bytes(1, resource));
    assert_eq!(samples(&instance), "target_info{exported_job=\"x\",service_name=\"agent-cli\"} 1");
}

#[test]
fn the_revision_changes_with_each_export() {
    let instance = instance();
    assert_eq!((instance.revision(), instance.last_export_at()), (0, None));
    ingest(&instance, &[counter("c", &[count(&[], 1, 9, 1)])]);
    assert_eq!(instance.revision(), 1);
    assert!(instance.last_export_at().is_some());
    assert_eq!(instance.samples(), 1);
}
