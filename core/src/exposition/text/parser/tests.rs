use crate::exposition::{Format, Metric, parse as parse_body, parse_all};
use crate::text;

/// The canonical text of `body`, or the error with its place.
fn check(body: &str, expected: &str) {
    let printed = match parse_body(body.as_bytes(), Format::Text) {
        Ok(exposition) => text::to_string(&exposition),
        Err(error) => error.to_string(),
    };
    assert_eq!(printed.trim_end(), expected, "for {body:?}");
}

#[test]
fn samples() {
    check("foo 1\n", "# TYPE foo untyped\nfoo 1");
    check(
        "\n  foo  { a = \"b\" , }   1\n\n\t bar\t2\n",
        "# TYPE bar untyped\nbar 2\n# TYPE foo untyped\nfoo{a=\"b\"} 1",
    );
    check("foo{a=\"1\"}1\n", "# TYPE foo untyped\nfoo{a=\"1\"} 1");
    check("foo{} 1\n", "# TYPE foo untyped\nfoo 1");
    check("foo{a=\"b\\\\c\\\"d\\ne\"} 1\n", "# TYPE foo untyped\nfoo{a=\"b\\\\c\\\"d\\ne\"} 1");
    check("{\"foo\",a=\"b\"} 1\n", "# TYPE foo untyped\nfoo{a=\"b\"} 1");
    check("{a=\"b\",\"foo\"} 1\n", "# TYPE foo untyped\nfoo{a=\"b\"} 1");
    check("fo\"o\"{b\"\"=\"c\"} 1\n", "# TYPE foo untyped\nfoo{b=\"c\"} 1");
    check("", "");
    check("\n \n\t", "");
}

#[test]
fn comments() {
    check("# hello\n#\n# EOF\n# UNIT x y\nfoo 1\n", "# TYPE foo untyped\nfoo 1");
    check("# HELP x a\\\\b\\nc\n# TYPE x GAUGE\nx 1\n", "# HELP x a\\\\b\\nc\n# TYPE x gauge\nx 1");
    check(
        "#TYPE a gauge\n#HELP a   two  words  \na 1\n",
        "# HELP a two  words  \n# TYPE a gauge\na 1",
    );
    check("# TYPE a\n# HELP a\n# type a gauge\na 1\n", "# TYPE a untyped\na 1");
    check("# HELP x a\n# TYPE x gauge\n", "");
}

#[test]
fn histograms_and_summaries() {
    check(
        "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_sum 3\nh_count 2\n",
        "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2",
    );
    check(
        "# TYPE s summary\ns{quantile=\"0.5\"} 1\ns_sum 3\ns_count 2\n",
        "# TYPE s summary\ns{quantile=\"0.5\"} 1\ns_sum 3\ns_count 2",
    );
    check(
        "# TYPE h histogram\nh_count{b=\"2\",a=\"1\"} 2\nh_bucket{a=\"1\",b=\"2\",le=\"+Inf\"} 2\nh_count{a=\"2\",b=\"2\"} 1\nh_sum{a=\"1\",b=\"2\"} 5\n",
        "# TYPE h histogram\nh_bucket{b=\"2\",a=\"1\",le=\"+Inf\"} 2\nh_sum{b=\"2\",a=\"1\"} 5\nh_count{b=\"2\",a=\"1\"} 2\nh_bucket{a=\"2\",b=\"2\",le=\"+Inf\"} 1\nh_sum{a=\"2\",b=\"2\"} 0\nh_count{a=\"2\",b=\"2\"} 1",
    );
    check(
        "# TYPE h histogram\nh_bucket{le=\"abc\"} 1\n",
        "line 2, column 13: expected float as value for 'le' label, got \"abc\"",
    );
    check(
        "# TYPE h histogram\nh_bucket{le=\"1\"} -1\n",
        "line 2, column 18: negative bucket population for histogram \"h\"",
    );
}

#[test]
fn errors_have_the_gateways_text_and_a_place() {
    check("foo 1", "line 1, column 6: unexpected end of input stream");
    check("# hello", "line 1, column 8: unexpected end of input stream");
    check("foo 1\r\n", "line 1, column 5: expected float as value, got \"1\\r\"");
    check("# TYPE foo gauge\r\n", "line 1, column 12: unknown metric type \"gauge\\r\"");
    check("foo 1 abc\n", "line 1, column 7: expected integer as timestamp, got \"abc\"");
    check("foo 1 \n", "line 1, column 7: expected integer as timestamp, got \"\"");
    check("foo 1 5 x\n", "line 1, column 8: spurious string after timestamp: \" x\"");
    check("\u{feff}foo 1\n", "line 1, column 1: invalid metric name");
    check("{} 1\n", "line 1, column 2: invalid metric name");
    check("{}\n", "line 1, column 2: invalid metric name");
    check("{\"a\":1}\n", "line 1, column 5: unexpected end of metric name ':'");
    check("{__name__=\"foo\"} 1\n", "line 1, column 2: label name \"__name__\" is reserved");
    check("a-b 1\n", "line 1, column 2: expected float as value, got \"-b\"");
    check("foo{a:b=\"1\"} 1\n", "line 1, column 6: expected '=' after label name, found ':'");
    check("foo{1a=\"1\"} 1\n", "line 1, column 5: invalid label name for metric \"foo\"");
    check("foo{\"a.b\"=\"c\"} 1\n", "line 1, column 5: invalid label name \"a.b\"");
    check(
        "foo{a=\"1\",a=\"2\"} 1\n",
        "line 1, column 11: duplicate label names for metric \"foo\"",
    );
    check("foo{a='b'} 1\n", "line 1, column 7: expected '\"' at start of label value, found '\\''");
    check("foo{a=\"b\\tc\"} 1\n", "line 1, column 10: invalid escape sequence '\\t'");
    check("foo{a=\"b\nc\"} 1\n", "line 1, column 7: label value \"b\" contains unescaped new-line");
    check("foo{a=\"b\" c=\"d\"} 1\n", "line 1, column 11: unexpected end of label value \"b\"");
    check("foo{,} 1\n", "line 1, column 5: invalid label name for metric \"foo\"");
    check("foo\n", "line 1, column 4: expected float as value, got \"\"");
    check(
        "x 1\n# TYPE x gauge\n",
        "line 2, column 10: second TYPE line for metric name \"x\", or TYPE reported after samples",
    );
    check("# HELP x a\n# HELP x b\n", "line 2, column 10: second HELP line for metric name \"x\"");
    check("# HELP x a\\q\n", "line 1, column 11: invalid escape sequence '\\q'");
    check("# TYPE 1a gauge\n", "line 1, column 8: invalid metric name in comment");
    check("# TYPE \"a.b\" gauge\n", "line 1, column 8: invalid metric name \"a.b\"");
    let bytes = parse_body(b"foo{a=\"\xff\"} 1\n", Format::Text).unwrap_err();
    assert_eq!(bytes.to_string(), "line 1, column 7: invalid label value \"\\xff\"");
}

#[test]
fn every_error_is_found() {
    let (exposition, errors) = parse_all(b"good 1\nbad{ 2\nfine 3\n1x 4\nlast 5", Format::Text);
    assert_eq!(exposition.families.len(), 2);
    let lines: Vec<usize> = errors.iter().map(|error| error.line).collect();
    assert_eq!(lines, [2, 4, 5]);
}

#[test]
fn timestamps_and_lines_are_kept() {
    let exposition = parse_body(b"# c\nfoo 1 1600000000000\n", Format::Text).unwrap();
    let Metric { timestamp_ms, line, .. } = exposition.families[0].metrics[0];
    assert_eq!((timestamp_ms, line), (Some(1_600_000_000_000), 2));
}

/// Reading all of a body and reading up to its first error agree on whether there is one.
fn read_both(body: &[u8]) {
    for format in [Format::Text, Format::OpenMetrics] {
        let (_, errors) = parse_all(body, format);
        assert_eq!(parse_body(body, format).err().as_ref(), errors.first());
    }
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(body in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
        read_both(&body);
    }

    #[test]
    fn likely_bytes_are_read_or_refused(body in "([a-c_{}\"=,\\\\ #\n0-9.]|TYPE |HELP |histogram|le=){0,60}") {
        read_both(body.as_bytes());
    }
}
