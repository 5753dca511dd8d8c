//! Reads the points of a metric.

use prompush_core::protobuf::{Fields, Reason, Value};

use crate::decode::attribute;
use crate::decode::data_point::{DataPoint, HistogramPoint, PointValue, SummaryPoint};
use crate::decode::exponential_histogram::ExponentialHistogram;
use crate::decode::metric::{OtlpMetric, PointKind};

/// Most buckets of a histogram and quantiles of a summary.
const PARTS_MAX: usize = 1_000;

/// The bit of `flags` that says that there is no value.
const NO_RECORDED_VALUE: u64 = 1;

/// Reads a point of `metric`.
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
        PointKind::ExponentialHistogram => {
            ExponentialHistogram::read(fields)?.into_classic(metric.unit)
        }
        PointKind::Summary => summary(fields)?,
    };
    let value = if flags & NO_RECORDED_VALUE == 0 { value } else { PointValue::NoRecordedValue };
    Ok(DataPoint { attributes, start, time, value })
}

#[expect(clippy::cast_precision_loss, reason = "expositions have floats; exact below 2^53")]
fn number_value(fields: Fields<'_>) -> Result<PointValue, Reason> {
    let mut found = PointValue::Invalid;
    fields.each(|number, value| {
        match number {
            4 => found = PointValue::Number(value.double()?),
            6 => found = PointValue::Number(value.fixed64()?.cast_signed() as f64),
            _ => {}
        }
        Ok(())
    })?;
    Ok(found)
}

fn histogram(fields: Fields<'_>) -> Result<PointValue, Reason> {
    let (mut count, mut sum) = (0, f64::NAN);
    let (mut counts, mut bounds) = (Vec::new(), Vec::new());
    fields.each(|number, value| match number {
        4 => value.fixed64().map(|found| count = found),
        5 => value.double().map(|found| sum = found),
        6 => value.each_fixed64(|found| keep(&mut counts, found)),
        7 => value.each_fixed64(|found| keep(&mut bounds, f64::from_bits(found))),
        _ => Ok(()),
    })?;
    if counts.is_empty() && bounds.is_empty() {
        counts.push(count);
    }
    let is_increasing = bounds.is_sorted_by(|a, b| a < b) && bounds.iter().all(|b| !b.is_nan());
    if bounds.len() > PARTS_MAX || counts.len() != bounds.len() + 1 || !is_increasing {
        return Ok(PointValue::Invalid);
    }
    drop_infinite(&mut bounds, &mut counts);
    Ok(PointValue::Histogram(HistogramPoint { sum, bounds, counts }))
}

/// Takes out infinite bounds, which say nothing: all is above the one, and below the other.
fn drop_infinite(bounds: &mut Vec<f64>, counts: &mut Vec<u64>) {
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

fn summary(fields: Fields<'_>) -> Result<PointValue, Reason> {
    let mut summary = SummaryPoint { sum: 0.0, count: 0, quantiles: Vec::new() };
    fields.each(|number, value| {
        match number {
            4 => summary.count = value.fixed64()?,
            5 => summary.sum = value.double()?,
            6 => keep(&mut summary.quantiles, quantile(value)?)?,
            _ => {}
        }
        Ok(())
    })?;
    let in_range = |(quantile, _): &(f64, f64)| (0.0..=1.0).contains(quantile);
    let is_valid = summary.quantiles.len() <= PARTS_MAX && summary.quantiles.iter().all(in_range);
    Ok(if is_valid { PointValue::Summary(summary) } else { PointValue::Invalid })
}

fn quantile(value: Value<'_>) -> Result<(f64, f64), Reason> {
    let mut found = (0.0, 0.0);
    value.message()?.each(|number, value| {
        match number {
            1 => found.0 = value.double()?,
            2 => found.1 = value.double()?,
            _ => {}
        }
        Ok(())
    })?;
    Ok(found)
}

/// Keeps one part more than is allowed, so that too many show, and never a body full.
#[expect(clippy::unnecessary_wraps, reason = "the shape of what reads repeated fields")]
fn keep<T>(parts: &mut Vec<T>, part: T) -> Result<(), Reason> {
    if parts.len() <= PARTS_MAX + 1 {
        parts.push(part);
    }
    Ok(())
}
