//! Generated bodies of OpenMetrics 1.0.

use std::fmt::Write as _;

use fastrand::Rng;

use crate::generated_bodies::values::{LABEL_VALUES, count, mutate, number, once_in, one};

const NAMES: [&str; 11] =
    ["a", "b_seconds", "foo", "up", "h", "s", "x:y", "a_total", "h_count", "s_sum", "foo_info"];

const TYPES: [&str; 9] = [
    "counter",
    "gauge",
    "unknown",
    "histogram",
    "summary",
    "info",
    "stateset",
    "gaugehistogram",
    "untyped",
];

/// A body. Half of the bodies are as a client library prints them; the others are changed.
pub(crate) fn body(rng: &mut Rng) -> Vec<u8> {
    let mut text = String::new();
    let mut names = NAMES;
    rng.shuffle(&mut names[..6]);
    if once_in(rng, 6) {
        rng.shuffle(&mut names);
    }
    for name in names.iter().take(rng.usize(1..4)) {
        family(rng, &mut text, name);
    }
    if !once_in(rng, 60) {
        text.push_str("# EOF\n");
    }
    let mut body = text.into_bytes();
    if rng.bool() {
        mutate(rng, &mut body);
    }
    body
}

fn family(rng: &mut Rng, text: &mut String, name: &str) {
    // The last type is not a type of OpenMetrics.
    let of_all = once_in(rng, 40);
    let metric_type = one(rng, if of_all { &TYPES } else { &TYPES[..8] });
    let mut metadata = Vec::new();
    if !once_in(rng, 8) {
        metadata.push(format!("# TYPE {name} {metric_type}"));
    }
    let typed = !metadata.is_empty();
    if rng.bool() {
        let help =
            one(rng, &["Help.", "two  words ", "a\\\\b\\nc \\\"q\\\"", "\u{e9}", "\\q", "x\\"]);
        metadata.push(format!("# HELP {name} {help}"));
    }
    if once_in(rng, 3) && name == "b_seconds" || once_in(rng, 60) {
        metadata.push(format!("# UNIT {name} seconds"));
    }
    rng.shuffle(&mut metadata);
    for line in metadata {
        writeln!(text, "{line}").expect("memory");
    }
    for at in 0..rng.usize(..3) {
        let mut labels = labels(rng);
        if !once_in(rng, 10) {
            labels.push(format!("n=\"{at}\""));
        }
        metric(rng, text, name, if typed { metric_type } else { "unknown" }, &labels);
    }
}

/// The suffix of a sample's name, its labels and its value.
type GeneratedSample = (&'static str, Vec<String>, &'static str);

fn metric(rng: &mut Rng, text: &mut String, name: &str, metric_type: &str, labels: &[String]) {
    for (suffix, labels, value) in lines(rng, name, metric_type, labels) {
        let has_exemplar = matches!(suffix, "_total" | "_bucket") && once_in(rng, 6);
        write_sample(rng, text, &format!("{name}{suffix}"), &labels, value, has_exemplar);
    }
}

fn lines(rng: &mut Rng, name: &str, metric_type: &str, labels: &[String]) -> Vec<GeneratedSample> {
    let with = |label: String| [labels, &[label]].concat();
    let own = || labels.to_vec();
    match metric_type {
        "counter" => {
            let mut lines = vec![("_total", own(), count(rng)), ("_created", own(), "1.5e9")];
            lines.truncate(one(rng, &[1, 1, 2]));
            lines
        }
        "info" => vec![("_info", own(), if once_in(rng, 10) { "2" } else { "1" })],
        "stateset" => ["on", "off"]
            .map(|state| ("", with(format!("{name}=\"{state}\"")), one(rng, &["0", "1", "1.0"])))
            .to_vec(),
        "summary" => {
            let quantile = if once_in(rng, 8) { number(rng) } else { "0.5" };
            let quantile = ("", with(format!("quantile=\"{quantile}\"")), number(rng));
            let mut lines =
                vec![("_sum", own(), number(rng)), ("_count", own(), count(rng)), quantile];
            lines.rotate_right(rng.usize(..3));
            lines.truncate(one(rng, &[2, 3, 3]));
            lines
        }
        "histogram" => histogram(rng, labels, ["_sum", "_count"]),
        "gaugehistogram" => histogram(rng, labels, ["_gsum", "_gcount"]),
        _ => vec![("", own(), number(rng))],
    }
}

fn histogram(
    rng: &mut Rng,
    labels: &[String],
    [sum, total]: [&'static str; 2],
) -> Vec<GeneratedSample> {
    let in_all = one(rng, &["2", "3", "3.0", "7"]);
    let mut lines: Vec<GeneratedSample> = Vec::new();
    for (bound, value) in [("0.5", "0"), ("1", "2"), ("+Inf", in_all)] {
        if !once_in(rng, 30) {
            let bound = if once_in(rng, 30) { number(rng) } else { bound };
            lines.push(("_bucket", [labels, &[format!("le=\"{bound}\"")]].concat(), value));
        }
    }
    if !once_in(rng, 20) {
        let value = if once_in(rng, 8) { number(rng) } else { "1.5" };
        lines.push((sum, labels.to_vec(), value));
    }
    if !once_in(rng, 20) {
        let value = if once_in(rng, 20) { count(rng) } else { in_all };
        lines.push((total, labels.to_vec(), value));
    }
    if once_in(rng, 3) && lines.len() > 2 {
        // Some libraries print the sum and the count first.
        lines.rotate_right(2);
    }
    if once_in(rng, 20) {
        rng.shuffle(&mut lines);
    }
    lines
}

fn labels(rng: &mut Rng) -> Vec<String> {
    let mut names = ["a", "b", "c", "_d", "job", "le", "quantile", "A1"];
    rng.shuffle(&mut names[..5]);
    if once_in(rng, 30) {
        rng.shuffle(&mut names);
    }
    let wanted = one(rng, &[0, 0, 1, 1, 2]);
    let names = &names[..wanted];
    names.iter().map(|name| format!("{name}=\"{}\"", one(rng, &LABEL_VALUES))).collect()
}

fn write_sample(
    rng: &mut Rng,
    text: &mut String,
    name: &str,
    labels: &[String],
    value: &str,
    has_exemplar: bool,
) {
    let labels = labels.join(",");
    let braces =
        if labels.is_empty() && rng.bool() { String::new() } else { format!("{{{labels}}}") };
    write!(text, "{name}{braces} {value}").expect("memory");
    if once_in(rng, 60) {
        let timestamp = one(rng, &["5", "-5", "1600000000.5", "1e3", "", "x", "NaN", "1.5.5"]);
        write!(text, " {timestamp}").expect("memory");
    }
    if has_exemplar || once_in(rng, 200) {
        let exemplar = one(
            rng,
            &[
                "{} 1",
                "{trace_id=\"x\"} 0.5 1600000000.1",
                "{a=\"b\",c=\"d\"} 1",
                "{} ",
                "{a=\"b\"} x",
                "1",
            ],
        );
        write!(text, " # {exemplar}").expect("memory");
    }
    text.push('\n');
}
