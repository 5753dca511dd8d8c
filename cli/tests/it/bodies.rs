//! Guards the reading of bodies: which are read, repaired, converted or refused, seen through `push --dry-run`: no gateway needed.

use std::fs;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::exemplar::CounterWithExemplar;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use crate::support::{Run, run};

#[track_caller]
fn dry_run(arguments: &[&str], stdin: impl AsRef<[u8]>) -> Run {
    run(&[&["push", "--job", "x", "--dry-run"], arguments].concat(), stdin)
}

/// The body that is pushed for `stdin`.
#[track_caller]
fn check(stdin: &str, expected: &str) {
    let done = dry_run(&[], stdin).expect_code(0);
    assert_eq!(done.stdout, expected, "for {stdin:?}");
    assert_eq!(done.stderr, "PUT http://localhost:9091/metrics/job/x\n");
}

#[test]
fn what_gateways_refuse_for_its_form_is_forgiven() {
    let expected = "# TYPE a untyped\na 1\n# TYPE b untyped\nb{c=\"d\"} 2\n";
    check("a 1\nb{c=\"d\"} 2\n", expected);
    check("a 1\nb{c=\"d\"} 2", expected);
    check("a 1\r\nb{c=\"d\"} 2\r\n", expected);
    check("\u{feff}a 1\r\n\r\nb{c=\"d\"} 2", expected);
    check("# HELP h Help.\r\n# TYPE h gauge\r\nh 1", "# HELP h Help.\n# TYPE h gauge\nh 1\n");
}

#[test]
fn openmetrics_keeps_its_types() {
    check(
        "# TYPE a counter\n# HELP a Help.\na_total{b=\"c\"} 1 # {trace_id=\"x\"} 1 1600000000.1\n# TYPE i info\ni_info{v=\"1\"} 1\n# EOF\n",
        "# HELP a_total Help.\n# TYPE a_total counter\na_total{b=\"c\"} 1\n# TYPE i_info gauge\ni_info{v=\"1\"} 1\n",
    );
    // Text that only ends like OpenMetrics.
    check("# TYPE a_total counter\na_total 1\n\n# EOF\n", "# TYPE a_total counter\na_total 1\n");
}

#[test]
fn what_prometheus_client_prints_is_taken() {
    let mut registry = Registry::default();
    let calls: Counter = Counter::default();
    calls.inc_by(3);
    registry.register("calls", "Calls made", calls);
    let traced: CounterWithExemplar<Vec<(String, String)>> = CounterWithExemplar::default();
    traced.inc_by(2, Some(vec![("trace_id".to_owned(), "x".to_owned())]), None);
    registry.register("traced", "Traced", traced);
    registry.register("build", "Build", Info::new(vec![("version", "1")]));
    let mut body = String::new();
    encode(&mut body, &registry).expect("it can be written");

    let done = dry_run(&[], &body).expect_code(0);
    for line in [
        "# HELP calls_total Calls made.",
        "# TYPE calls_total counter",
        "calls_total 3",
        "# TYPE traced_total counter",
        "traced_total 2",
        "# TYPE build_info gauge",
        "build_info{version=\"1\"} 1",
    ] {
        assert!(done.stdout.lines().any(|found| found == line), "{line} in {}", done.stdout);
    }
    assert!(!done.stdout.contains("trace_id"), "{}", done.stdout);
}

#[test]
fn timestamps_are_refused_or_dropped() {
    let refused = dry_run(&[], "a 1 1600000000000\n").expect_code(1);
    assert!(refused.stderr.contains("metric `a` has a timestamp"), "{}", refused.stderr);
    assert!(refused.stderr.contains("--drop-timestamps"), "{}", refused.stderr);
    assert_eq!(refused.stdout, "");
    let dropped = dry_run(&["--drop-timestamps"], "a 1 1600000000000\n").expect_code(0);
    assert_eq!(dropped.stdout, "# TYPE a untyped\na 1\n");
}

#[test]
fn nothing_is_not_pushed_by_accident() {
    for nothing in ["", "\n\n", "# only a comment\n", "# HELP a b\n# TYPE a gauge\n"] {
        let refused = dry_run(&[], nothing).expect_code(1);
        assert!(refused.stderr.contains("prompush delete"), "{}", refused.stderr);
    }
    assert_eq!(dry_run(&["--allow-empty"], "").expect_code(0).stdout, "");
}

#[test]
fn several_files_are_one_body() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).expect("a file");
        path.to_str().expect("a path in UTF-8").to_owned()
    };
    let (a, b) = (file("a", "a 1"), file("b", "# TYPE b counter\nb_total 2\n# EOF\n"));
    let again = file("again", "a 3");
    let done = dry_run(&[&a, &b, "-"], "c 3").expect_code(0);
    assert_eq!(
        done.stdout,
        "# TYPE a untyped\na 1\n# TYPE b_total counter\nb_total 2\n# TYPE c untyped\nc 3\n"
    );
    let refused = dry_run(&[&a, &again], "").expect_code(1);
    assert!(
        refused
            .stderr
            .starts_with(&format!("error: metric family `a` is in `{a}` and also in `{again}`")),
        "{}",
        refused.stderr
    );
    dry_run(&["-", "-"], "a 1").expect_code(2);
    let missing = dry_run(&["/nonexistent"], "").expect_code(1);
    assert!(missing.stderr.starts_with("error: cannot read `/nonexistent`\n  cause: No such file"));
}

#[test]
fn input_has_a_limit() {
    assert_eq!(dry_run(&["--input-bytes-max", "4"], "a 1\n").expect_code(0).code, Some(0));
    let refused = dry_run(&["--input-bytes-max", "3"], "a 1\n").expect_code(1);
    assert!(refused.stderr.contains("larger than 3 bytes"), "{}", refused.stderr);
}

#[test]
fn what_is_no_text_is_named() {
    let refused = dry_run(&[], b"\xff\xfea\0 \x001\0").expect_code(1);
    assert!(refused.stderr.contains("it is UTF-16, not text"), "{}", refused.stderr);
    let refused = dry_run(&[], b"\x1f\x8b\x08\0").expect_code(1);
    assert!(refused.stderr.contains("gzip -dc"), "{}", refused.stderr);
}

#[test]
fn odd_jobs_have_their_paths() {
    for (job, path) in [
        ("a/b", "/metrics/job@base64/YS9i"),
        ("..", "/metrics/job@base64/Li4="),
        ("a b", "/metrics/job/a%20b"),
        ("a+b%", "/metrics/job/a%2Bb%25"),
        ("😀", "/metrics/job/%F0%9F%98%80"),
    ] {
        let done = run(&["push", "--dry-run", "--job", job], "a 1").expect_code(0);
        assert_eq!(done.stderr, format!("PUT http://localhost:9091{path}\n"));
    }
    for bad in [
        &["--job", ""][..],
        &["--job", "x", "--group", "a"],
        &["--job", "x", "--group", "a-b=1"],
        &["--job", "x", "--group", "__a=1"],
        &["--job", "x", "--group", "le=1"],
        &["--job", "x", "--group", "job=y"],
        &[],
    ] {
        let refused = run(&[&["push", "--dry-run"], bad].concat(), "a 1").expect_code(2);
        assert!(refused.stderr.starts_with("error: "), "{}", refused.stderr);
    }
}

#[test]
fn labels_that_the_group_overrides_are_warned_of() {
    let done = dry_run(&[], "a{job=\"mine\"} 1\nb{job=\"mine\"} 1\n").expect_code(0);
    let warning = "warning: metric `a` has label `job`, which the grouping key overrides with `x` (and 1 more;";
    assert!(done.stderr.starts_with(warning), "{}", done.stderr);
    assert_eq!(dry_run(&["--quiet"], "a{job=\"mine\"} 1\n").stderr.lines().count(), 1);
}
