//! From a body to its metrics and points.

use prompush_core::protobuf::{Fields, Reason, Value};

use crate::decode::attribute::{self, Attribute};
use crate::decode::data_point::DataPoint;
use crate::decode::metric::{OtlpMetric, PointKind, Temporality};
use crate::decode::point_reader;

/// What looks at the metrics of a body.
pub(crate) trait Visitor {
    /// A resource begins.
    ///
    /// # Errors
    /// Whatever ends the visit.
    fn resource(&mut self, attributes: Vec<Attribute<'_>>) -> Result<(), Reason> {
        let _ = attributes;
        Ok(())
    }

    /// A metric begins; its points follow.
    fn metric(&mut self, metric: &OtlpMetric<'_>);

    /// A point of the metric.
    fn point(&mut self, metric: &OtlpMetric<'_>, point: DataPoint<'_>);
}

/// Shows `visitor` everything in `body`.
///
/// # Errors
/// Where the body is no export.
pub(crate) fn visit(body: &[u8], visitor: &mut dyn Visitor) -> Result<(), Reason> {
    Fields::new(body).each(|number, value| match number {
        1 => resource_metrics(value.message()?, visitor),
        _ => Ok(()),
    })
}

fn resource_metrics(fields: Fields<'_>, visitor: &mut dyn Visitor) -> Result<(), Reason> {
    let resource = last_of(fields, 1)?;
    let mut attributes = Vec::new();
    Fields::new(resource).each(|number, value| match number {
        1 => attribute::read(value.message()?, &mut attributes),
        _ => Ok(()),
    })?;
    visitor.resource(attributes)?;
    fields.each(|number, value| match number {
        2 => scope_metrics(value.message()?, resource, visitor),
        _ => Ok(()),
    })
}

fn scope_metrics(
    fields: Fields<'_>,
    resource: &[u8],
    visitor: &mut dyn Visitor,
) -> Result<(), Reason> {
    let scope = last_of(fields, 1)?;
    fields.each(|number, value| match number {
        2 => metric(value.message()?, resource, scope, visitor),
        _ => Ok(()),
    })
}

/// The last field of that number that is bytes: a field may stand behind those that need it.
fn last_of(fields: Fields<'_>, wanted: u64) -> Result<&[u8], Reason> {
    let mut found: &[u8] = &[];
    fields.each(|number, value| {
        if number == wanted {
            found = value.bytes()?;
        }
        Ok(())
    })?;
    Ok(found)
}

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
    data.each(|number, value| match number {
        1 => {
            visitor.point(&metric, point_reader::read(&metric, value.message()?)?);
            Ok(())
        }
        _ => Ok(()),
    })
}

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
