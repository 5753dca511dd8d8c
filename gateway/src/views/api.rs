//! The JSON of `/api/v1`, with the fields that Pushgateway 1.11.2 has.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::time::Duration;

use prompush_core::MetricType;
use serde_json::json;

use crate::clock_reading::ClockReading;
use crate::config::Config;
use crate::own_metrics;
use crate::render::samples::RenderedMetric;
use crate::store::group_view::GroupView;
use crate::store::metric_store::MetricStore;
use crate::text_format::labels::{WrittenLabels, unescape};
use crate::views::rfc3339::format_rfc3339;

/// Headers that let a page of another origin read the response, and that keep the response out of caches.
pub(crate) const HEADERS: [(&str, &str); 5] = [
    ("Access-Control-Allow-Headers", "Accept, Authorization, Content-Type, Origin"),
    ("Access-Control-Allow-Methods", "GET, POST, DELETE, OPTIONS"),
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Expose-Headers", "Date"),
    ("Cache-Control", "no-cache, no-store, must-revalidate"),
];

/// The JSON of `/api/v1/status`: version, flags, and the time of the start.
pub(crate) fn write_status(config: &Config, started: ClockReading) -> Vec<u8> {
    let flags: BTreeMap<&str, String> = BTreeMap::from([
        ("metric.expiration", format_expiration(config)),
        ("push.disable-consistency-check", config.disable_consistency_check.to_string()),
        ("web.enable-admin-api", config.enable_admin_api.to_string()),
        ("web.enable-lifecycle", config.enable_lifecycle.to_string()),
        ("web.listen-address", config.listen.join(",")),
    ]);
    let data = json!({
        "build_information": {
            "branch": "",
            "buildDate": "",
            "buildUser": "",
            "goVersion": "",
            "implementation": "prompush",
            "revision": "",
            "version": env!("CARGO_PKG_VERSION"),
        },
        "flags": flags,
        "start_time": format_rfc3339(started.wall),
    });
    json!({ "status": "success", "data": data }).to_string().into_bytes()
}

fn format_expiration(config: &Config) -> String {
    match config.metric_expiration {
        Some(expiration) => format!("{}s", expiration.as_secs_f64()),
        None => "0s".to_owned(),
    }
}

/// The JSON of `/api/v1/metrics`: every group with its metrics. All numbers are strings, as in upstream's JSON.
///
/// # Errors
///
/// The signature allows an error, but writing to memory does not fail.
pub(crate) fn write_metrics(store: &MetricStore) -> io::Result<Vec<u8>> {
    let mut out = Vec::with_capacity(store.bytes() * 2);
    out.write_all(br#"{"status":"success","data":["#)?;
    for (index, group) in store.groups().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_group(&mut out, &group)?;
    }
    out.write_all(b"]}")?;
    Ok(out)
}

fn write_group(out: &mut Vec<u8>, group: &GroupView<'_>) -> io::Result<()> {
    let labels: BTreeMap<&str, &str> = group.labels().iter().collect();
    out.write_all(br#"{"labels":"#)?;
    serde_json::to_writer(&mut *out, &labels)?;
    write!(out, r#","last_push_successful":{}"#, group.last_push_successful())?;
    // Most families of a group have the same time, so the formatted time is kept for the next family.
    let mut time_stamp = (Duration::MAX, String::new());
    for (name, metric_type, part) in group.families() {
        // A family with one of these names is left out, because it would replace the field that every reader needs.
        if matches!(name, "labels" | "last_push_successful") {
            continue;
        }
        out.push(b',');
        serde_json::to_writer(&mut *out, name)?;
        if time_stamp.0 != part.pushed_at() {
            time_stamp = (part.pushed_at(), format_rfc3339(part.pushed_at()));
        }
        write!(out, r#":{{"time_stamp":"{}","#, time_stamp.1)?;
        write!(out, r#""type":"{}","#, metric_type.as_str().to_ascii_uppercase())?;
        if let Some(help) = own_metrics::push_time_help(name).or(part.help()) {
            out.write_all(br#""help":"#)?;
            serde_json::to_writer(&mut *out, help)?;
            out.push(b',');
        }
        out.write_all(br#""metrics":["#)?;
        for (index, metric) in part.samples().metrics().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            write_metric(out, metric_type, &metric)?;
        }
        out.write_all(b"]}")?;
    }
    out.push(b'}');
    Ok(())
}

fn write_metric(
    out: &mut Vec<u8>,
    metric_type: MetricType,
    metric: &RenderedMetric<'_>,
) -> io::Result<()> {
    out.write_all(br#"{"labels":{"#)?;
    for (index, (name, value)) in WrittenLabels(metric.labels).enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.push(b'"');
        out.write_all(name)?;
        out.write_all(b"\":")?;
        write_label_value(out, value)?;
    }
    out.push(b'}');
    let samples: Vec<WrittenSample<'_>> = samples(metric).collect();
    match (metric_type, samples.as_slice()) {
        (MetricType::Histogram, [buckets @ .., sum, count]) => {
            write_bounds(out, "buckets", buckets, whole)?;
            write_sum_and_count(out, sum, count)?;
        }
        (MetricType::Summary, [quantiles @ .., sum, count]) => {
            write_bounds(out, "quantiles", quantiles, str::to_owned)?;
            write_sum_and_count(out, sum, count)?;
        }
        (_, [sample, ..]) => write!(out, r#","value":"{}""#, sample.value)?,
        (_, []) => {}
    }
    out.push(b'}');
    Ok(())
}

fn write_bounds(
    out: &mut Vec<u8>,
    name: &str,
    samples: &[WrittenSample<'_>],
    number: impl Fn(&str) -> String,
) -> io::Result<()> {
    let bounds: BTreeMap<&str, String> =
        samples.iter().map(|sample| (sample.bound, number(sample.value))).collect();
    write!(out, r#","{name}":"#)?;
    Ok(serde_json::to_writer(&mut *out, &bounds)?)
}

fn write_sum_and_count(
    out: &mut Vec<u8>,
    sum: &WrittenSample<'_>,
    count: &WrittenSample<'_>,
) -> io::Result<()> {
    write!(out, r#","sum":"{}","count":"{}""#, sum.value, whole(count.value))
}

/// One rendered line of a metric.
struct WrittenSample<'a> {
    /// The value of `le` or `quantile`; empty if the line has neither.
    bound: &'a str,
    value: &'a str,
}

/// Splits the lines that the renderer wrote. After the labels, a line has either `} value` or `,le="bound"} value`.
fn samples<'a>(metric: &RenderedMetric<'a>) -> impl Iterator<Item = WrittenSample<'a>> {
    let labels_len = metric.labels.len();
    metric.lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).filter_map(
        move |line| {
            let labels_start = line.iter().position(|byte| *byte == b'{')? + 1;
            let rest = std::str::from_utf8(line.get(labels_start + labels_len..)?).ok()?;
            let (before, value) = rest.rsplit_once(' ')?;
            let bound = before.split('"').nth(1).unwrap_or_default();
            Some(WrittenSample { bound, value })
        },
    )
}

/// Writes a whole number without an exponent, because upstream stores counts as integers.
fn whole(number: &str) -> String {
    match number.parse::<f64>() {
        Ok(count) if count.is_finite() && count.fract() == 0.0 => format!("{count:.0}"),
        _ => number.to_owned(),
    }
}

/// Writes a label value that is escaped for the text format. JSON uses the same escape sequences, but needs further
/// ones for control characters.
fn write_label_value(out: &mut Vec<u8>, escaped: &[u8]) -> io::Result<()> {
    if escaped.iter().any(u8::is_ascii_control) {
        let value = unescape(escaped);
        return Ok(serde_json::to_writer(&mut *out, &String::from_utf8_lossy(&value))?);
    }
    out.push(b'"');
    out.extend_from_slice(escaped);
    out.push(b'"');
    Ok(())
}
