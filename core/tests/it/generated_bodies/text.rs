//! Generated bodies of text 0.0.4.

use std::fmt::Write as _;

use fastrand::Rng;

use crate::generated_bodies::values::{LABEL_VALUES, count, mutate, number, once_in, one};

const NAMES: [&str; 12] = [
    "a",
    "a_total",
    "foo",
    "x:y",
    "h",
    "s",
    "h_count",
    "s_sum",
    "h_bucket",
    "_",
    "foo_count_sum",
    "push_time_seconds",
];

const TYPES: [&str; 8] =
    ["counter", "gauge", "untyped", "histogram", "summary", "Histogram", "gaugehistogram", "GAUGE"];

const LABEL_NAMES: [&str; 10] =
    ["a", "b", "c", "_d", "job", "instance", "le", "quantile", "__e", "A1"];

/// A body. One in three is as a client library prints it; the others are changed.
pub(crate) fn body(rng: &mut Rng) -> Vec<u8> {
    let mut text = String::new();
    for _ in 0..rng.usize(1..4) {
        family(rng, &mut text);
    }
    let mut body = text.into_bytes();
    if !once_in(rng, 3) {
        mutate(rng, &mut body);
    }
    body
}

fn family(rng: &mut Rng, text: &mut String) {
    // Most names are those that do not clash.
    let name = if once_in(rng, 3) { one(rng, &NAMES) } else { one(rng, &NAMES[..6]) };
    let metric_type = one(rng, &TYPES);
    if rng.bool() {
        let help = one(rng, &["Help.", "two  words ", "a\\\\b\\nc \"q\"", "\u{e9}", "", "\\\""]);
        writeln!(text, "# HELP {name} {help}").expect("memory");
    }
    let typed = !once_in(rng, 4);
    if typed {
        writeln!(text, "# TYPE {name} {metric_type}").expect("memory");
    }
    if once_in(rng, 12) {
        text.push_str(one(rng, &["\n", "# a comment\n", "#\n", "  \t\n", "# UNIT a b\n"]));
    }
    for at in 0..rng.usize(1..4) {
        let mut labels = labels(rng);
        if once_in(rng, 2) {
            // A number makes it unlikely that several metrics of a family have the same labels.
            labels.push(format!("n=\"{at}\""));
        }
        match metric_type {
            "histogram" | "Histogram" | "gaugehistogram" if typed => {
                histogram(rng, text, name, &labels);
            }
            "summary" if typed => summary(rng, text, name, &labels),
            _ => sample(rng, text, name, &labels, number),
        }
    }
}

fn histogram(rng: &mut Rng, text: &mut String, name: &str, labels: &[String]) {
    for bound in ["0.5", "1", "+Inf"] {
        if !once_in(rng, 6) {
            let bound = if once_in(rng, 15) { number(rng) } else { bound };
            let labels = [labels, &[format!("le=\"{bound}\"")]].concat();
            sample(rng, text, &format!("{name}_bucket"), &labels, count);
        }
    }
    for suffix in ["_sum", "_count", "", "_total"] {
        if !once_in(rng, 6) && (suffix.ends_with(['m', 't']) || once_in(rng, 15)) {
            sample(rng, text, &format!("{name}{suffix}"), labels, count);
        }
    }
}

fn summary(rng: &mut Rng, text: &mut String, name: &str, labels: &[String]) {
    for _ in 0..rng.usize(..3) {
        let quantile = if once_in(rng, 15) { number(rng) } else { "0.5" };
        let labels = [labels, &[format!("quantile=\"{quantile}\"")]].concat();
        sample(rng, text, name, &labels, number);
    }
    for suffix in ["_sum", "_count", "_bucket"] {
        if !once_in(rng, 6) && (suffix != "_bucket" || once_in(rng, 15)) {
            sample(rng, text, &format!("{name}{suffix}"), labels, count);
        }
    }
}

fn labels(rng: &mut Rng) -> Vec<String> {
    let mut names = LABEL_NAMES;
    // The first ones do not matter to a gateway.
    rng.shuffle(&mut names[..4]);
    if once_in(rng, 4) {
        rng.shuffle(&mut names);
    }
    let wanted = one(rng, &[0, 1, 1, 2, 3]);
    let names = &names[..wanted];
    names.iter().map(|name| format!("{name}=\"{}\"", one(rng, &LABEL_VALUES))).collect()
}

fn sample(
    rng: &mut Rng,
    text: &mut String,
    name: &str,
    labels: &[String],
    value: fn(&mut Rng) -> &'static str,
) {
    let comma = one(rng, &[",", ",", ",", " , ", ", "]);
    let labels = labels.join(comma);
    match (labels.is_empty(), rng.usize(..200)) {
        (_, 0) => write!(text, "{{\"{name}\",{labels}}}").expect("memory"),
        (_, 1) => write!(text, "{{ {name} , {labels}}}").expect("memory"),
        (_, 2..4) => write!(text, "\"{name}\"{{{labels}}}").expect("memory"),
        (true, 4..) => text.push_str(name),
        (_, 4..16) => write!(text, "{name} {{ {labels} , }}").expect("memory"),
        (false, _) => write!(text, "{name}{{{labels}}}").expect("memory"),
    }
    text.push_str(one(rng, &[" ", " ", " ", " ", "  ", "\t"]));
    text.push_str(value(rng));
    if once_in(rng, 50) {
        text.push(' ');
        text.push_str(one(
            rng,
            &["5", "-5", "+5", "1600000000000", "1.5", "9223372036854775808", ""],
        ));
    }
    text.push('\n');
}
