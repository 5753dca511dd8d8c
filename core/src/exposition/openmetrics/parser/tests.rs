use crate::exposition::{Format, parse as parse_body};
use crate::text;

/// The text 0.0.4 that `body` becomes, or the error with its place.
fn check(body: &str, expected: &str) {
    let printed = match parse_body(body.as_bytes(), Format::OpenMetrics) {
        Ok(exposition) => text::to_string(&exposition),
        Err(error) => error.to_string(),
    };
    assert_eq!(printed.trim_end(), expected, "for {body:?}");
}

#[test]
fn types_become_those_of_text() {
    check(
        "# HELP a Help.\n# TYPE a counter\na_total 1 # {trace_id=\"x\"} 1 1600000000.1\na_created 1.5e9\n# EOF\n",
        "# TYPE a_created gauge\na_created 1500000000\n# HELP a_total Help.\n# TYPE a_total counter\na_total 1",
    );
    check("# TYPE a gauge\na{b=\"c\"} inf\n# EOF", "# TYPE a gauge\na{b=\"c\"} +Inf");
    check("# TYPE a info\na_info{v=\"1\"} 1\n# EOF\n", "# TYPE a_info gauge\na_info{v=\"1\"} 1");
    check(
        "# TYPE a stateset\na{a=\"x\"} 1\na{a=\"y\"} 0\n# EOF\n",
        "# TYPE a gauge\na{a=\"x\"} 1\na{a=\"y\"} 0",
    );
    check("# TYPE a unknown\na 1\nb 2\n# EOF\n", "# TYPE a untyped\na 1\n# TYPE b untyped\nb 2");
    check(
        "# TYPE h_seconds histogram\n# UNIT h_seconds seconds\nh_seconds_sum 3.5\nh_seconds_count 2\nh_seconds_bucket{le=\"1.0\"} 1 # {} 0.5\nh_seconds_bucket{le=\"+Inf\"} 2\n# EOF\n",
        "# TYPE h_seconds histogram\nh_seconds_bucket{le=\"1\"} 1\nh_seconds_bucket{le=\"+Inf\"} 2\nh_seconds_sum 3.5\nh_seconds_count 2",
    );
    check(
        "# TYPE s summary\ns{quantile=\"0.5\"} 1\ns_sum 3\ns_count 2\n# EOF\n",
        "# TYPE s summary\ns{quantile=\"0.5\"} 1\ns_sum 3\ns_count 2",
    );
    check(
        "# TYPE g gaugehistogram\ng_bucket{le=\"+Inf\"} 1\ng_gcount 1\ng_gsum 2\n# EOF\n",
        "# TYPE g_bucket gauge\ng_bucket{le=\"+Inf\"} 1\n# TYPE g_gcount gauge\ng_gcount 1\n# TYPE g_gsum gauge\ng_gsum 2",
    );
}

#[test]
fn broken_rules_are_named() {
    check("a 1\n", "line 1, column 4: the last line of OpenMetrics must be `# EOF`");
    check("", "line 1, column 1: the last line of OpenMetrics must be `# EOF`");
    check("# EOF\na 1\n", "line 2, column 1: nothing may follow `# EOF`");
    check("a 1\n\n# EOF\n", "line 2, column 1: OpenMetrics has no empty lines");
    check(
        "#hello\n# EOF\n",
        "line 1, column 1: OpenMetrics has no comments but HELP, TYPE, UNIT and EOF",
    );
    check("a 1\nb 1\na 2\n# EOF\n", "line 3, column 1: metric family `a` is not in one block");
    check(
        "# TYPE a counter\na 1\n# EOF\n",
        "line 2, column 1: sample `a` does not belong to a counter `a`",
    );
    check(
        "# TYPE a counter\na_total -1\n# EOF\n",
        "line 2, column 9: value of `a_total` must not be negative or NaN",
    );
    check(
        "# TYPE h histogram\nh_bucket{le=\"1\"} 1\n# EOF\n",
        "line 2, column 1: histogram `h` lacks its `+Inf` bucket",
    );
    check(
        "# TYPE h histogram\nh_bucket 1\n# EOF\n",
        "line 2, column 11: sample of `h` lacks label `le`",
    );
    check(
        "# TYPE a gauge\na 1 # {} 1\n# EOF\n",
        "line 2, column 8: exemplar: only counters and buckets have one",
    );
    check(
        "# TYPE a_b counter\n# UNIT a_b seconds\n# EOF\n",
        "line 2, column 12: the name of metric family `a_b` does not end in its unit `seconds`",
    );
    check("# TYPE a thing\n# EOF\n", "line 1, column 10: unknown metric type \"thing\"");
    check("a 1 x\n# EOF\n", "line 1, column 5: expected integer as timestamp, got \"x\"");
    check(
        "# TYPE s_count gauge\ns_count 1\n# TYPE s summary\ns_sum 1\n# EOF\n",
        "line 3, column 1: metric family `s` clashes with one before it: both have `s_count`",
    );
    check(
        "a{b=\"1\"} 1\na{b=\"2\"} 1\na{b=\"1\"} 1\n# EOF\n",
        "line 3, column 1: samples of one metric of `a` are separated by other samples",
    );
    check(
        "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_sum 1\nh_count 2\n# EOF\n",
        "line 2, column 1: the count of histogram `h` differs from its `+Inf` bucket",
    );
    check(
        "# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1.5\n# EOF\n",
        "line 2, column 21: value of `h_bucket` must be a whole number",
    );
    check(
        "# TYPE s summary\ns{quantile=\"1.5\"} 1\n# EOF\n",
        "line 2, column 20: `1.5` is not allowed as label `quantile` of `s`",
    );
    check("# HELP a\n# EOF\n", "line 1, column 9: invalid metric name in comment");
}

/// Lines that programs seldom write so are read by another path, and belong to the same metrics.
#[test]
fn a_metric_is_the_same_however_it_is_written() {
    let scattered = |third: &str, first: &str| {
        check(
            &format!(
                "# TYPE a counter\na_total{{{first}}} 1\na_total{{b=\"2\"}} 1\na_total{{{third}}} 1\n# EOF\n"
            ),
            "line 4, column 1: samples of one metric of `a` are separated by other samples",
        );
    };
    scattered("b=\"1\",a=\"2\"", "a=\"2\",b=\"1\"");
    scattered("a=\"2\",b=\"1\"", "b=\"1\",a=\"2\"");
    scattered("b=\"\\\"\",a=\"é\\n\"", "a=\"é\\n\",b=\"\\\"\"");
    check(
        "# TYPE h histogram\nh_bucket{b=\"2\",a=\"1\",le=\"1\"} 1 # {} 0.5\nh_bucket{b=\"2\",a=\"1\",le=\"2\"} 1\n\
         h_bucket{le=\"+Inf\",a=\"1\",b=\"2\"} 2\nh_sum{a=\"1\",b=\"2\"} 3\nh_count{b=\"2\",a=\"1\"} 2\n# EOF\n",
        "# TYPE h histogram\nh_bucket{b=\"2\",a=\"1\",le=\"1\"} 1\nh_bucket{b=\"2\",a=\"1\",le=\"2\"} 1\n\
         h_bucket{b=\"2\",a=\"1\",le=\"+Inf\"} 2\nh_sum{b=\"2\",a=\"1\"} 3\nh_count{b=\"2\",a=\"1\"} 2",
    );
    check(
        "# TYPE a gauge\na{__a=\"1\"} 1\n# EOF\n",
        "line 2, column 3: invalid label name \"__a\"",
    );
}
