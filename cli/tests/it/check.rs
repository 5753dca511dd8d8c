//! `prompush check`: its diagnostics, as they are shown.

use crate::support::run;

/// Bodies with everything that can be wrong about them; `▸` begins one.
const GOLDEN: &str = include_str!("check.txt");

const BODIES: [&[u8]; 6] = [
    b"# HELP jobs Jobs.\n# TYPE jobs counter\njobs{job=\"x\"} 3\r\nfoo{a=\"b\"} abc\nbar{__x=\"1\"} 2\n",
    b"b\xffar 1\n\xe6\x97\xa5\xe6\x9c\xac{x=1} 2\n\x1b[31m 1\nfoo2{a=\"1\",a=\"2\"} 1\ntabs\there\n",
    b"# HELP dup D.\n# TYPE dup gauge\ndup{a=\"1\"} 1\ndup{a=\"1\"} 2\n# TYPE ts_total counter\n# HELP ts_total T.\nts_total 1 1600000000000\n",
    b"# HELP h H.\n# TYPE h histogram\nh_bucket{le=\"1\"} 3\nh_bucket{le=\"+Inf\"} 2\nh_sum 1\nh_count 2\nlast 1,5",
    b"\xef\xbb\xbf# TYPE i info\ni_info{v=\"1\"} 1\na_total 1 # {x=\"y\"} 1\n",
    b"# TYPE a counter\n# HELP a A.\na_total -1\nb 2\n# EOF\n",
];

#[test]
fn diagnostics_are_those_of_a_good_compiler() {
    let shown: Vec<String> = BODIES
        .iter()
        .map(|body| {
            let done = run(&["check"], body).expect_code(1);
            format!("▸ {:?}\n{}{}", String::from_utf8_lossy(body), done.stdout, done.stderr)
        })
        .collect();
    let shown = shown.join("\n");
    assert_eq!(shown, GOLDEN, "\n{shown}");
}

#[test]
fn long_lines_are_cut() {
    let body = format!("a{{b=\"{}\"}} x\n", "é".repeat(1000));
    let done = run(&["check", "-"], body).expect_code(1);
    let lines: Vec<&str> = done.stdout.lines().collect();
    assert!(lines[1].ends_with("stdin:1:1009"), "{lines:?}");
    assert_eq!(lines[3], format!("1 | …{}\"}} x", "é".repeat(37)));
    assert_eq!(lines[4], format!("  | {}^", " ".repeat(41)));
}

#[test]
fn what_is_good_is_said_to_be() {
    let good = "# HELP a_total A.\n# TYPE a_total counter\na_total 1\n";
    let done = run(&["check"], good).expect_code(0);
    assert_eq!(
        (done.stdout.as_str(), done.stderr.as_str()),
        ("", "ok: 1 metric family, 1 sample\n")
    );
    // Warnings are no errors.
    let done = run(&["check"], "a 1").expect_code(0);
    assert!(
        done.stderr.ends_with("ok: 1 metric family, 1 sample; 2 warnings\n"),
        "{}",
        done.stderr
    );
}

#[test]
fn a_key_to_check_against_counts() {
    // Two series that become one under the key.
    let body = "# HELP a A.\n# TYPE a gauge\na{instance=\"1\"} 1\na{instance=\"2\"} 1\n";
    run(&["check"], body).expect_code(0);
    let done = run(&["check", "--job", "x", "--group", "instance=i"], body).expect_code(1);
    assert!(done.stdout.contains("occurs twice with the labels"), "{}", done.stdout);
    run(&["check", "--group", "instance=i"], body).expect_code(2);
}

#[test]
fn json_is_for_programs() {
    let done = run(&["check", "--json"], "# HELP a A.\n# TYPE a gauge\na x\n").expect_code(1);
    let json: serde_json::Value = serde_json::from_str(&done.stdout).expect("JSON");
    let expected = serde_json::json!({
        "errors": 1,
        "warnings": 0,
        "diagnostics": [{
            "severity": "error", "file": "stdin", "line": 3, "column": 3, "width": 1,
            "message": "expected float as value, got \"x\"", "text": "a x", "hint": null,
        }],
    });
    assert_eq!(json, expected);
}
