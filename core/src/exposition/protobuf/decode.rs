//! The decoder of delimited protobuf.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::error::ProtobufError;
use crate::exposition::protobuf::fields::{Fields, Reason, Value};
use crate::exposition::protobuf::schema;
use crate::exposition::{
    Bucket, Exposition, HistogramValue, Metric, MetricFamily, MetricType, MetricValue, Quantile,
    SummaryValue,
};
use crate::labels::Label;

/// Decodes a body of delimited metric families, `io.prometheus.client.MetricFamily`.
///
/// If two families have the same name, the last one counts, as on a Pushgateway. Of a native histogram,
/// the classic buckets, the sum and the count are kept. Exemplars and creation times are dropped.
///
/// # Errors
/// [`ProtobufError`] if
/// - the bytes are not such a message;
/// - a metric has no value of its family's type;
/// - a native histogram has more or fewer buckets than its spans say.
pub fn decode(body: &[u8]) -> Result<Exposition<'_>, ProtobufError> {
    let mut families: Vec<MetricFamily<'_>> = Vec::new();
    let mut indexes: HashMap<Cow<'_, str>, usize> = HashMap::new();
    let mut fields = Fields::new(body);
    let mut number = 0;
    while !fields.rest().is_empty() {
        number += 1;
        let offset = fields.offset();
        let decoded = fields.bytes().and_then(|inside| read_family(&Fields::new(inside)));
        let family = decoded.map_err(|reason| ProtobufError { family: number, offset, reason })?;
        if let Some(index) = indexes.get(&family.name) {
            families[*index] = family;
        } else {
            indexes.insert(family.name.clone(), families.len());
            families.push(family);
        }
    }
    families.retain(|family| !family.metrics.is_empty());
    Ok(Exposition { families })
}

fn read_family<'a>(fields: &Fields<'a>) -> Result<MetricFamily<'a>, Reason> {
    let mut family = MetricFamily {
        name: Cow::Borrowed(""),
        help: None,
        metric_type: MetricType::Counter,
        metrics: Vec::new(),
    };
    let mut metrics = Vec::new();
    each_known(fields, |number, value| {
        match number {
            schema::family::NAME => family.name = value.borrowed_text()?,
            schema::family::HELP => family.help = Some(value.borrowed_text()?),
            schema::family::TYPE => family.metric_type = metric_type(value.varint()?)?,
            schema::family::METRIC => metrics.push(value.message()?),
            _ => {}
        }
        Ok(())
    })?;
    // The type may follow the metrics.
    let of_type = |fields: &Fields<'a>| read_metric(fields, family.metric_type);
    family.metrics = metrics.iter().map(of_type).collect::<Result<_, _>>()?;
    Ok(family)
}

fn metric_type(number: u64) -> Result<MetricType, Reason> {
    match number {
        schema::metric_type::COUNTER => Ok(MetricType::Counter),
        schema::metric_type::GAUGE => Ok(MetricType::Gauge),
        schema::metric_type::SUMMARY => Ok(MetricType::Summary),
        schema::metric_type::UNTYPED => Ok(MetricType::Untyped),
        // A gauge histogram has the same form.
        schema::metric_type::HISTOGRAM | schema::metric_type::GAUGE_HISTOGRAM => {
            Ok(MetricType::Histogram)
        }
        _ => Err("a metric type is not known"),
    }
}

fn read_metric<'a>(fields: &Fields<'a>, metric_type: MetricType) -> Result<Metric<'a>, Reason> {
    let mut labels = Vec::new();
    let mut timestamp_ms = None;
    let mut found = None;
    each_known(fields, |number, value| {
        let value_type = match number {
            schema::metric::LABEL => {
                return read_label(&value.message()?).map(|label| labels.push(label));
            }
            schema::metric::TIMESTAMP_MS => {
                timestamp_ms = Some(value.varint()?.cast_signed());
                return Ok(());
            }
            schema::metric::GAUGE => MetricType::Gauge,
            schema::metric::COUNTER => MetricType::Counter,
            schema::metric::SUMMARY => MetricType::Summary,
            schema::metric::UNTYPED => MetricType::Untyped,
            schema::metric::HISTOGRAM => MetricType::Histogram,
            _ => return Ok(()),
        };
        let message = value.message()?;
        let value = match value_type {
            MetricType::Summary => MetricValue::Summary(read_summary(&message)?),
            MetricType::Histogram => MetricValue::Histogram(read_histogram(&message)?),
            _ => MetricValue::Number(read_number(&message)?),
        };
        if value_type == metric_type {
            found = Some(value);
        }
        Ok(())
    })?;
    let value = found.ok_or("a metric has no value of its family's type")?;
    Ok(Metric { labels: labels.into(), value, timestamp_ms, line: 0 })
}

fn read_label<'a>(fields: &Fields<'a>) -> Result<Label<'a>, Reason> {
    let mut label = Label { name: Cow::Borrowed(""), value: Cow::Borrowed("") };
    each_known(fields, |number, value| {
        match number {
            schema::label::NAME => label.name = value.borrowed_text()?,
            schema::label::VALUE => label.value = value.borrowed_text()?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(label)
}

fn read_number(fields: &Fields<'_>) -> Result<f64, Reason> {
    let mut found = 0.0;
    each_known(fields, |number, value| {
        if number == schema::number::VALUE {
            found = value.double()?;
        }
        Ok(())
    })?;
    Ok(found)
}

fn read_summary(fields: &Fields<'_>) -> Result<SummaryValue, Reason> {
    let mut summary = SummaryValue::default();
    each_known(fields, |number, value| {
        match number {
            schema::summary::COUNT => summary.count = value.count()?,
            schema::summary::SUM => summary.sum = value.double()?,
            schema::summary::QUANTILE => {
                summary.quantiles.push(read_quantile(&value.message()?)?);
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok(summary)
}

fn read_quantile(fields: &Fields<'_>) -> Result<Quantile, Reason> {
    let mut quantile = Quantile { quantile: 0.0, value: 0.0 };
    each_known(fields, |number, value| {
        match number {
            schema::quantile::QUANTILE => quantile.quantile = value.double()?,
            schema::quantile::VALUE => quantile.value = value.double()?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(quantile)
}

fn read_histogram(fields: &Fields<'_>) -> Result<HistogramValue, Reason> {
    use schema::histogram as field;
    let mut histogram = HistogramValue::default();
    let mut count_float = 0.0;
    let (mut negative, mut positive) = (NativeBuckets::default(), NativeBuckets::default());
    each_known(fields, |number, value| {
        match number {
            field::COUNT => histogram.count = value.count()?,
            field::SUM => histogram.sum = value.double()?,
            field::BUCKET => histogram.buckets.push(read_bucket(&value.message()?)?),
            field::COUNT_FLOAT => count_float = value.double()?,
            field::NEGATIVE_SPAN => negative.add_span(&value.message()?)?,
            field::POSITIVE_SPAN => positive.add_span(&value.message()?)?,
            field::NEGATIVE_DELTA => negative.present += packed_varints(value)?,
            field::POSITIVE_DELTA => positive.present += packed_varints(value)?,
            field::NEGATIVE_COUNT => negative.present += packed_doubles(value)?,
            field::POSITIVE_COUNT => positive.present += packed_doubles(value)?,
            _ => {}
        }
        Ok(())
    })?;
    if !(negative.is_complete() && positive.is_complete()) {
        return Err("a native histogram has not as many buckets as its spans promise");
    }
    if count_float > 0.0 {
        histogram.count = count_float;
    }
    Ok(histogram)
}

/// The number of native buckets on one side of zero.
#[derive(Default)]
struct NativeBuckets {
    /// The number of buckets according to the spans.
    promised: u64,
    /// The number of counts, which are deltas or floats.
    present: u64,
}

impl NativeBuckets {
    fn add_span(&mut self, fields: &Fields<'_>) -> Result<(), Reason> {
        let mut length = 0;
        each_known(fields, |number, value| {
            if number == schema::bucket_span::LENGTH {
                length = value.varint()?;
            }
            Ok(())
        })?;
        self.promised = self.promised.saturating_add(length);
        Ok(())
    }

    fn is_complete(&self) -> bool {
        self.promised == self.present
    }
}

fn read_bucket(fields: &Fields<'_>) -> Result<Bucket, Reason> {
    use schema::bucket as field;
    let mut bucket = Bucket { upper_bound: 0.0, cumulative_count: 0.0 };
    each_known(fields, |number, value| {
        match number {
            field::CUMULATIVE_COUNT => bucket.cumulative_count = value.count()?,
            field::UPPER_BOUND => bucket.upper_bound = value.double()?,
            field::CUMULATIVE_COUNT_FLOAT => bucket.cumulative_count = value.double()?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(bucket)
}

/// Calls `on_field` with the number and the value of each field. A field whose number is larger
/// than the number of any field of `metrics.proto` is left out.
fn each_known<'a>(
    fields: &Fields<'a>,
    mut on_field: impl FnMut(u8, Value<'a>) -> Result<(), Reason>,
) -> Result<(), Reason> {
    fields.each(|number, value| u8::try_from(number).map_or(Ok(()), |n| on_field(n, value)))
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
mod tests;
