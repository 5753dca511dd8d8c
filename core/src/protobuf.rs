//! Delimited protobuf: `io.prometheus.client.MetricFamily`, each behind its length.
//!
//! Read field by field without a generated tree. A length is believed only as far as there are
//! bytes, so that a small body can claim nothing large.
//!
//! Source: `prometheus/client_model`, `metrics.proto`.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::error::ProtobufError;
use crate::exposition::{
    Bucket, Exposition, HistogramValue, Label, Metric, MetricFamily, MetricType, MetricValue,
    Quantile, SummaryValue,
};

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
    let mut fields = Fields { body, at: 0 };
    let mut number = 0;
    while !fields.rest().is_empty() {
        number += 1;
        let offset = fields.at;
        let decoded = fields.bytes().and_then(|inside| family(&Fields { body: inside, at: 0 }));
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

/// What is wrong, in words that never change.
type Reason = &'static str;

const TRUNCATED: Reason = "unexpected EOF";

/// The bytes of a message, and how far they are read.
#[derive(Clone)]
struct Fields<'a> {
    body: &'a [u8],
    /// Invariant: at most `body.len()`.
    at: usize,
}

/// The value of a field.
#[derive(Clone, Copy)]
enum Value<'a> {
    Varint(u64),
    Double(f64),
    Bytes(&'a [u8]),
    Fixed32,
}

impl<'a> Fields<'a> {
    fn rest(&self) -> &'a [u8] {
        &self.body[self.at..]
    }

    fn varint(&mut self) -> Result<u64, Reason> {
        let mut value = 0_u64;
        for (place, byte) in self.rest().iter().take(10).enumerate() {
            let bits = u64::from(byte & 0x7F);
            if place == 9 && bits > 1 {
                return Err("a number is longer than 64 bits");
            }
            value |= bits << (7 * place);
            if byte & 0x80 == 0 {
                self.at += place + 1;
                return Ok(value);
            }
        }
        Err(if self.rest().len() < 10 { TRUNCATED } else { "a number is longer than 64 bits" })
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Reason> {
        let taken = self.rest().get(..length).ok_or(TRUNCATED)?;
        self.at += length;
        Ok(taken)
    }

    fn bytes(&mut self) -> Result<&'a [u8], Reason> {
        let length = self.varint()?;
        self.take(usize::try_from(length).map_err(|_| TRUNCATED)?)
    }

    /// The next field's number and value.
    fn next(&mut self) -> Result<Option<(u64, Value<'a>)>, Reason> {
        if self.rest().is_empty() {
            return Ok(None);
        }
        let key = self.varint()?;
        let value = match key & 7 {
            0 => Value::Varint(self.varint()?),
            1 => {
                let bytes = self.take(8)?.try_into().map_err(|_| TRUNCATED)?;
                Value::Double(f64::from_le_bytes(bytes))
            }
            2 => Value::Bytes(self.bytes()?),
            5 => {
                self.take(4)?;
                Value::Fixed32
            }
            _ => return Err("a field has a wire type that is not used"),
        };
        match key >> 3 {
            0 => Err("a field has the number 0"),
            number => Ok(Some((number, value))),
        }
    }
}

/// Calls `on_field` for each field of a message.
fn each_field<'a>(
    fields: &Fields<'a>,
    mut on_field: impl FnMut(u64, Value<'a>) -> Result<(), Reason>,
) -> Result<(), Reason> {
    let mut fields = fields.clone();
    while let Some((number, value)) = fields.next()? {
        on_field(number, value)?;
    }
    Ok(())
}

impl<'a> Value<'a> {
    fn text(self) -> Result<Cow<'a, str>, Reason> {
        match self {
            Self::Bytes(bytes) => {
                std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|_| "a text is not UTF-8")
            }
            _ => Err("a field has the wrong wire type"),
        }
    }

    fn message(self) -> Result<Fields<'a>, Reason> {
        match self {
            Self::Bytes(body) => Ok(Fields { body, at: 0 }),
            _ => Err("a field has the wrong wire type"),
        }
    }

    fn number(self) -> Result<f64, Reason> {
        match self {
            Self::Double(number) => Ok(number),
            _ => Err("a field has the wrong wire type"),
        }
    }

    fn whole(self) -> Result<u64, Reason> {
        match self {
            Self::Varint(number) => Ok(number),
            _ => Err("a field has the wrong wire type"),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a gateway keeps counts as floats too")]
    fn count(self) -> Result<f64, Reason> {
        self.whole().map(|count| count as f64)
    }
}

fn family<'a>(fields: &Fields<'a>) -> Result<MetricFamily<'a>, Reason> {
    let mut family = MetricFamily {
        name: Cow::Borrowed(""),
        help: None,
        metric_type: MetricType::Counter,
        metrics: Vec::new(),
    };
    let mut metrics = Vec::new();
    each_field(fields, |number, value| {
        match number {
            1 => family.name = value.text()?,
            2 => family.help = Some(value.text()?),
            3 => family.metric_type = metric_type(value.whole()?)?,
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
    each_field(fields, |number, value| {
        let value_type = match number {
            1 => return label(&value.message()?).map(|label| labels.push(label)),
            6 => {
                timestamp_ms = Some(value.whole()?.cast_signed());
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
    Ok(Metric { labels, value, timestamp_ms, line: 0 })
}

fn label<'a>(fields: &Fields<'a>) -> Result<Label<'a>, Reason> {
    let mut label = Label { name: Cow::Borrowed(""), value: Cow::Borrowed("") };
    each_field(fields, |number, value| {
        match number {
            1 => label.name = value.text()?,
            2 => label.value = value.text()?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(label)
}

fn plain(fields: &Fields<'_>) -> Result<f64, Reason> {
    let mut found = 0.0;
    each_field(fields, |number, value| {
        if number == 1 {
            found = value.number()?;
        }
        Ok(())
    })?;
    Ok(found)
}

fn summary(fields: &Fields<'_>) -> Result<SummaryValue, Reason> {
    let mut summary = SummaryValue::default();
    each_field(fields, |number, value| {
        match number {
            1 => summary.count = value.count()?,
            2 => summary.sum = value.number()?,
            3 => {
                let mut found = Quantile { quantile: 0.0, value: 0.0 };
                each_field(&value.message()?, |number, value| {
                    match number {
                        1 => found.quantile = value.number()?,
                        2 => found.value = value.number()?,
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
    each_field(fields, |number, value| {
        match number {
            1 => histogram.count = value.count()?,
            2 => histogram.sum = value.number()?,
            3 => histogram.buckets.push(bucket(&value.message()?)?),
            4 => count_float = value.number()?,
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
    each_field(fields, |number, value| {
        match number {
            1 => bucket.cumulative_count = value.count()?,
            2 => bucket.upper_bound = value.number()?,
            4 => bucket.cumulative_count = value.number()?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(bucket)
}

fn span_length(fields: &Fields<'_>) -> Result<u64, Reason> {
    let mut length = 0;
    each_field(fields, |number, value| {
        if number == 2 {
            length = value.whole()?;
        }
        Ok(())
    })?;
    Ok(length)
}

fn packed_varints(value: Value<'_>) -> Result<u64, Reason> {
    let Value::Bytes(body) = value else { return value.whole().map(|_| 1) };
    let mut fields = Fields { body, at: 0 };
    let mut found = 0;
    while !fields.rest().is_empty() {
        fields.varint()?;
        found += 1;
    }
    Ok(found)
}

fn packed_doubles(value: Value<'_>) -> Result<u64, Reason> {
    match value {
        Value::Bytes(body) if body.len().is_multiple_of(8) => Ok(body.len() as u64 / 8),
        Value::Bytes(_) => Err(TRUNCATED),
        value => value.number().map(|_| 1),
    }
}

#[cfg(test)]
#[path = "protobuf_tests.rs"]
mod tests;
