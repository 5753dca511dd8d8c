//! Reads the points of a metric.

use prompush_core::protobuf::{Fields, Reason, Value};

use crate::decode::attribute;
use crate::decode::exponential_histogram;
use crate::decode::metric::{
    DataPoint, HistogramPoint, OtlpMetric, PointKind, PointValue, SummaryPoint,
};

/// Most bounds of a histogram, and most quantiles of a summary. A point with more is invalid.
const BOUNDS_MAX: usize = 1_000;

/// The bit of `flags` that marks a point without a value.
const NO_RECORDED_VALUE: u64 = 1;

/// Reads a point of `metric`. Fields are numbered differently for each kind of point.
pub(crate) fn read<'a>(
    metric: &OtlpMetric<'_>,
    fields: Fields<'a>,
) -> Result<DataPoint<'a>, Reason> {
    let (attributes_field, flags_field) = match metric.kind {
        PointKind::Gauge | PointKind::Sum { .. } | PointKind::Summary => (7, 8),
        PointKind::Histogram => (9, 10),
        PointKind::ExponentialHistogram => (1, 10),
    };
    let (mut attributes, mut start, mut time, mut flags) = (Vec::new(), 0, 0, 0);
    fields.each(|number, value| {
        match number {
            2 => start = value.fixed64()?,
            3 => time = value.fixed64()?,
            _ if number == attributes_field => {
                attribute::read(value.message()?, &mut attributes)?;
            }
            _ if number == flags_field => flags = value.varint()?,
            _ => {}
        }
        Ok(())
    })?;
    let value = match metric.kind {
        PointKind::Gauge | PointKind::Sum { .. } => number_value(fields)?,
        PointKind::Histogram => histogram(fields)?,
        PointKind::ExponentialHistogram => exponential_histogram::read(fields, metric.unit)?,
        PointKind::Summary => summary(fields)?,
    };
    let value = if flags & NO_RECORDED_VALUE == 0 { value } else { PointValue::NoRecordedValue };
    Ok(DataPoint { attributes, start, time, value })
}

#[expect(clippy::cast_precision_loss, reason = "expositions have floats; exact below 2^53")]
fn number_value(fields: Fields<'_>) -> Result<PointValue, Reason> {
    let mut result = PointValue::Invalid;
    fields.each(|number, value| {
        match number {
            4 => result = PointValue::Number(value.double()?),
            6 => result = PointValue::Number(value.fixed64()?.cast_signed() as f64),
            _ => {}
        }
        Ok(())
    })?;
    Ok(result)
}

/// Reads the value of a histogram with explicit bounds.
fn histogram(fields: Fields<'_>) -> Result<PointValue, Reason> {
    let (mut count, mut sum) = (0, f64::NAN);
    let (mut counts, mut bounds) = (Vec::new(), Vec::new());
    fields.each(|number, value| match number {
        4 => value.fixed64().map(|read| count = read),
        5 => value.double().map(|read| sum = read),
        6 => value.each_fixed64(|read| push_limited(&mut counts, read)),
        7 => value.each_fixed64(|read| push_limited(&mut bounds, f64::from_bits(read))),
        _ => Ok(()),
    })?;
    // A histogram without buckets has only a sum and a count.
    if counts.is_empty() && bounds.is_empty() {
        counts.push(count);
    }
    let is_increasing = bounds.is_sorted_by(|a, b| a < b) && bounds.iter().all(|b| !b.is_nan());
    if bounds.len() > BOUNDS_MAX || counts.len() != bounds.len() + 1 || !is_increasing {
        return Ok(PointValue::Invalid);
    }
    remove_infinite_bounds(&mut bounds, &mut counts);
    Ok(PointValue::Histogram(HistogramPoint { sum, bounds, counts }))
}

/// Removes infinite bounds, which are redundant: every observation is above the lower and below the
/// upper one. The counts of the two buckets beside a removed bound are added up.
fn remove_infinite_bounds(bounds: &mut Vec<f64>, counts: &mut Vec<u64>) {
    if bounds.last() == Some(&f64::INFINITY) {
        bounds.pop();
        if let (Some(above), Some(last)) = (counts.pop(), counts.last_mut()) {
            *last = last.saturating_add(above);
        }
    }
    if bounds.first() == Some(&f64::NEG_INFINITY) {
        bounds.remove(0);
        let below = counts.remove(0);
        if let Some(first) = counts.first_mut() {
            *first = first.saturating_add(below);
        }
    }
}

/// Reads the value of a summary.
fn summary(fields: Fields<'_>) -> Result<PointValue, Reason> {
    let mut summary = SummaryPoint { sum: 0.0, count: 0, quantiles: Vec::new() };
    fields.each(|number, value| {
        match number {
            4 => summary.count = value.fixed64()?,
            5 => summary.sum = value.double()?,
            6 => push_limited(&mut summary.quantiles, quantile(value)?)?,
            _ => {}
        }
        Ok(())
    })?;
    let in_range = |(quantile, _): &(f64, f64)| (0.0..=1.0).contains(quantile);
    let is_valid = summary.quantiles.len() <= BOUNDS_MAX && summary.quantiles.iter().all(in_range);
    Ok(if is_valid { PointValue::Summary(summary) } else { PointValue::Invalid })
}

/// Reads a quantile and its value.
fn quantile(value: Value<'_>) -> Result<(f64, f64), Reason> {
    let (mut quantile, mut quantile_value) = (0.0, 0.0);
    value.message()?.each(|number, value| {
        match number {
            1 => quantile = value.double()?,
            2 => quantile_value = value.double()?,
            _ => {}
        }
        Ok(())
    })?;
    Ok((quantile, quantile_value))
}

/// Appends an item of a repeated field, unless there are too many already. One item more than
/// allowed is kept, so that the caller notices that there are too many.
#[expect(
    clippy::unnecessary_wraps,
    reason = "callers read repeated fields with a fallible closure"
)]
fn push_limited<T>(items: &mut Vec<T>, item: T) -> Result<(), Reason> {
    if items.len() <= BOUNDS_MAX + 1 {
        items.push(item);
    }
    Ok(())
}
