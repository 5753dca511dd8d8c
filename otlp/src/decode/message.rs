//! Walks through a body, and shows a visitor every resource, metric and point.

use prompush_core::protobuf::{Fields, Reason, Value};

use crate::decode::attribute::{self, Attribute};
use crate::decode::metric::{DataPoint, OtlpMetric, PointKind, Temporality};
use crate::decode::point_reader;
use crate::decode::sub_messages::each_message;

/// Receives the contents of a body, in the order of the body.
pub(crate) trait Visitor {
    /// Called for each resource, before its metrics. Does nothing by default.
    ///
    /// # Errors
    /// An error ends the visit.
    fn resource(&mut self, attributes: Vec<Attribute<'_>>) -> Result<(), Reason> {
        let _ = attributes;
        Ok(())
    }

    /// Called for each metric, before its points.
    fn metric(&mut self, metric: &OtlpMetric<'_>);

    /// Called for each point of `metric`.
    fn point(&mut self, metric: &OtlpMetric<'_>, point: DataPoint<'_>);
}

/// Shows the contents of `body` to `visitor`.
///
/// # Errors
/// The reason why `body` is not an export. The visitor may have seen a part of it by then.
pub(crate) fn visit(body: &[u8], visitor: &mut dyn Visitor) -> Result<(), Reason> {
    each_message(Fields::new(body), 1, |fields| resource_metrics(fields, visitor))
}

fn resource_metrics(fields: Fields<'_>, visitor: &mut dyn Visitor) -> Result<(), Reason> {
    let resource = last_message(fields, 1)?;
    let mut attributes = Vec::new();
    each_message(Fields::new(resource), 1, |fields| attribute::read(fields, &mut attributes))?;
    visitor.resource(attributes)?;
    each_message(fields, 2, |fields| scope_metrics(fields, resource, visitor))
}

fn scope_metrics(
    fields: Fields<'_>,
    resource: &[u8],
    visitor: &mut dyn Visitor,
) -> Result<(), Reason> {
    let scope = last_message(fields, 1)?;
    each_message(fields, 2, |fields| metric(fields, resource, scope, visitor))
}

/// The message in the last field with the number `wanted`; empty when there is none.
///
/// Protobuf does not order fields: the resource may stand after the metrics that belong to it. So
/// it is searched for before they are read.
fn last_message(fields: Fields<'_>, wanted: u64) -> Result<&[u8], Reason> {
    let mut last: &[u8] = &[];
    fields.each(|number, value| {
        if number == wanted {
            last = value.bytes()?;
        }
        Ok(())
    })?;
    Ok(last)
}

/// Shows a metric and its points. A metric without data is skipped.
fn metric(
    fields: Fields<'_>,
    resource: &[u8],
    scope: &[u8],
    visitor: &mut dyn Visitor,
) -> Result<(), Reason> {
    let mut metric = OtlpMetric {
        resource,
        scope,
        name: "",
        description: "",
        unit: "",
        kind: PointKind::Gauge,
        temporality: Temporality::Unspecified,
    };
    let mut data = None;
    fields.each(|number, value| {
        match number {
            1 => metric.name = value.text()?,
            2 => metric.description = value.text()?,
            3 => metric.unit = value.text()?,
            5 => data = Some((PointKind::Gauge, value.message()?)),
            7 => data = Some((PointKind::Sum { monotonic: false }, value.message()?)),
            9 => data = Some((PointKind::Histogram, value.message()?)),
            10 => data = Some((PointKind::ExponentialHistogram, value.message()?)),
            11 => data = Some((PointKind::Summary, value.message()?)),
            _ => {}
        }
        Ok(())
    })?;
    let Some((kind, data)) = data else { return Ok(()) };
    metric.kind = kind;
    data.each(|number, value| set_property(&mut metric, number, value))?;
    visitor.metric(&metric);
    each_message(data, 1, |fields| {
        visitor.point(&metric, point_reader::read(&metric, fields)?);
        Ok(())
    })
}

/// Sets the temporality or the monotonicity, which stand beside the points.
fn set_property(metric: &mut OtlpMetric<'_>, number: u64, value: Value<'_>) -> Result<(), Reason> {
    match (metric.kind, number) {
        (PointKind::Sum { .. } | PointKind::Histogram | PointKind::ExponentialHistogram, 2) => {
            metric.temporality = match value.varint()? {
                1 => Temporality::Delta,
                2 => Temporality::Cumulative,
                _ => Temporality::Unspecified,
            };
        }
        (PointKind::Sum { .. }, 3) => {
            metric.kind = PointKind::Sum { monotonic: value.varint()? != 0 }
        }
        _ => {}
    }
    Ok(())
}
