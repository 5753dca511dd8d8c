//! Delimited protobuf: `io.prometheus.client.MetricFamily`, each behind its length.
//!
//! Read field by field without a generated tree. A length is believed only as far as there are
//! bytes, so that a small body can claim nothing large.
//!
//! Source: `prometheus/client_model`, `metrics.proto`.

mod reader;

use std::borrow::Cow;
use std::collections::HashMap;

use crate::error::ProtobufError;
use crate::exposition::{
    Bucket, Exposition, HistogramValue, Label, Metric, MetricFamily, MetricType, MetricValue,
    Quantile, SummaryValue,
};
pub use reader::{Fields, Reason, Value};

/// Decodes a body of delimited metric families; of two with one name the last one counts, as on
/// a Pushgateway.
///
/// A native histogram keeps its classic buckets, its sum and its count. Exemplars and creation
/// times are dropped.
///
/// # Errors
/// [`ProtobufError`] with the family and the byte, also for a metric that lacks the value of its
/// family's type, and for a native histogram with fewer deltas than its spans promise.
pub fn decode(body: &[u8]) -> Result<Exposition<'_>, ProtobufError> {
    let mut families: Vec<MetricFamily<'_>> = Vec::new();
    let mut places: HashMap<Cow<'_, str>, usize> = HashMap::new();
    let mut fields = Fields::new(body);
    let mut number = 0;
    while !fields.rest().is_empty() {
        number += 1;
        let offset = fields.offset();
        let decoded = fields.bytes().and_then(|inside| family(&Fields::new(inside)));
        let family = decoded.map_err(|reason| ProtobufError { family: number, offset, reason })?;
        if let Some(place) = places.get(&family.name) {
            families[*place] = family;
        } else {
            places.insert(family.name.clone(), families.len());
            families.push(family);
        }
    }
    families.retain(|family| !family.metrics.is_empty());
    Ok(Exposition { families })
}

fn family<'a>(fields: &Fields<'a>) -> Result<MetricFamily<'a>, Reason> {
    let mut family = MetricFamily {
        name: Cow::Borrowed(""),
        help: None,
        metric_type: MetricType::Counter,
        metrics: Vec::new(),
    };
    let mut metrics = Vec::new();
    fields.each(|number, value| {
        match number {
            1 => family.name = value.borrowed_text()?,
            2 => family.help = Some(value.borrowed_text()?),
            3 => family.metric_type = metric_type(value.varint()?)?,
            4 => metrics.push(value.message()?),
            _ => {}
        }
        Ok(())
    })?;
    // The type may follow the metrics.
    let of_type = |fields: &Fields<'a>| metric(fields, family.metric_type);
    family.metrics = metrics.iter().map(of_type).collect::<Result<_, _>>()?;
    Ok(family)
}

fn metric_type(number: u64) -> Result<MetricType, Reason> {
    match number {
        0 => Ok(MetricType::Counter),
        1 => Ok(MetricType::Gauge),
        2 => Ok(MetricType::Summary),
        3 => Ok(MetricType::Untyped),
        // 5 is a gauge histogram, which has the same form.
        4 | 5 => Ok(MetricType::Histogram),
        _ => Err("a metric type is not known"),
    }
}

fn metric<'a>(fields: &Fields<'a>, metric_type: MetricType) -> Result<Metric<'a>, Reason> {
    let mut labels = Vec::new();
    let mut timestamp_ms = None;
    let mut found = None;
    fields.each(|number, value| {
        let value_type = match number {
            1 => return label(&value.message()?).map(|label| labels.push(label)),
            6 => {
                timestamp_ms = Some(value.varint()?.cast_signed());
                return Ok(());
            }
            2 => MetricType::Gauge,
            3 => MetricType::Counter,
            4 => MetricType::Summary,
            5 => MetricType::Untyped,
            7 => MetricType::Histogram,
            _ => return Ok(()),
        };
        let message = value.message()?;
        let value = match value_type {
            MetricType::Summary => MetricValue::Summary(summary(&message)?),
            MetricType::Histogram => MetricValue::Histogram(histogram(&message)?),
            _ => MetricValue::Number(plain(&message)?),
        };
        if value_type == metric_type {
            found = Some(value);
        }
        Ok(())
    })?;
    let value = found.ok_or("a metric has no value of its family's type")?;
    Ok(Metric { labels: labels.into(), value, timestamp_ms, line: 0 })
}

fn label<'a>(fields: &Fields<'a>) -> Result<Label<'a>, Reason> {
    let mut label = Label { name: Cow::Borrowed(""), value: Cow::Borrowed("") };
    fields.each(|number, value| {
        match number {
            1 => label.name = value.borrowed_text()?,
            2 => label.value = value.borrowed_text()?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(label)
}

fn plain(fields: &Fields<'_>) -> Result<f64, Reason> {
    let mut found = 0.0;
    fields.each(|number, value| {
        if number == 1 {
            found = value.double()?;
        }
        Ok(())
    })?;
    Ok(found)
}

fn summary(fields: &Fields<'_>) -> Result<SummaryValue, Reason> {
    let mut summary = SummaryValue::default();
    fields.each(|number, value| {
        match number {
            1 => summary.count = value.count()?,
            2 => summary.sum = value.double()?,
            3 => {
                let mut found = Quantile { quantile: 0.0, value: 0.0 };
                value.message()?.each(|number, value| {
                    match number {
                        1 => found.quantile = value.double()?,
                        2 => found.value = value.double()?,
                        _ => {}
                    }
                    Ok(())
                })?;
                summary.quantiles.push(found);
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok(summary)
}

fn histogram(fields: &Fields<'_>) -> Result<HistogramValue, Reason> {
    let mut histogram = HistogramValue::default();
    let mut count_float = 0.0;
    // Negative and positive buckets: how many the spans promise, and how many there are.
    let mut native = [(0_u64, 0_u64); 2];
    fields.each(|number, value| {
        match number {
            1 => histogram.count = value.count()?,
            2 => histogram.sum = value.double()?,
            3 => histogram.buckets.push(bucket(&value.message()?)?),
            4 => count_float = value.double()?,
            9 | 12 => {
                let promised = &mut native[usize::from(number == 12)].0;
                *promised = promised.saturating_add(span_length(&value.message()?)?);
            }
            10 | 13 => native[usize::from(number == 13)].1 += packed_varints(value)?,
            11 | 14 => native[usize::from(number == 14)].1 += packed_doubles(value)?,
            _ => {}
        }
        Ok(())
    })?;
    if native.iter().any(|(promised, present)| promised != present) {
        return Err("a native histogram has not as many buckets as its spans promise");
    }
    if count_float > 0.0 {
        histogram.count = count_float;
    }
    Ok(histogram)
}

fn bucket(fields: &Fields<'_>) -> Result<Bucket, Reason> {
    let mut bucket = Bucket { upper_bound: 0.0, cumulative_count: 0.0 };
    fields.each(|number, value| {
        match number {
            1 => bucket.cumulative_count = value.count()?,
            2 => bucket.upper_bound = value.double()?,
            4 => bucket.cumulative_count = value.double()?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(bucket)
}

fn span_length(fields: &Fields<'_>) -> Result<u64, Reason> {
    let mut length = 0;
    fields.each(|number, value| {
        if number == 2 {
            length = value.varint()?;
        }
        Ok(())
    })?;
    Ok(length)
}

fn packed_varints(value: Value<'_>) -> Result<u64, Reason> {
    let mut found = 0;
    value.each_varint(|_| {
        found += 1;
        Ok(())
    })?;
    Ok(found)
}

fn packed_doubles(value: Value<'_>) -> Result<u64, Reason> {
    let mut found = 0;
    value.each_fixed64(|_| {
        found += 1;
        Ok(())
    })?;
    Ok(found)
}

#[cfg(test)]
#[path = "protobuf_tests.rs"]
mod tests;
