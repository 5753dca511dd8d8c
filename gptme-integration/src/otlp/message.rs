//! From a body to its metrics and points.

use prompush_core::protobuf::{Fields, Reason, Value};

use super::attribute::{self, Attribute};
use super::point::{self, Point};

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
    fn metric(&mut self, metric: &Metric<'_>);

    /// A point of the metric.
    fn point(&mut self, metric: &Metric<'_>, point: Point<'_>);
}

/// Everything about a metric but its points.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Metric<'a> {
    /// The resource's message as it came, to tell resources apart.
    pub(crate) resource: &'a [u8],
    /// The scope's message as it came, to tell scopes apart.
    pub(crate) scope: &'a [u8],
    pub(crate) name: &'a str,
    pub(crate) description: &'a str,
    pub(crate) unit: &'a str,
    pub(crate) kind: Kind,
    pub(crate) temporality: Temporality,
}

/// The kinds of metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Gauge,
    Sum { monotonic: bool },
    Histogram,
    ExponentialHistogram,
    Summary,
}

/// Whether points say what has come since the start, or since the point before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Temporality {
    Unspecified,
    Delta,
    Cumulative,
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
    let mut metric = Metric {
        resource,
        scope,
        name: "",
        description: "",
        unit: "",
        kind: Kind::Gauge,
        temporality: Temporality::Unspecified,
    };
    let mut data = None;
    fields.each(|number, value| {
        match number {
            1 => metric.name = value.text()?,
            2 => metric.description = value.text()?,
            3 => metric.unit = value.text()?,
            5 => data = Some((Kind::Gauge, value.message()?)),
            7 => data = Some((Kind::Sum { monotonic: false }, value.message()?)),
            9 => data = Some((Kind::Histogram, value.message()?)),
            10 => data = Some((Kind::ExponentialHistogram, value.message()?)),
            11 => data = Some((Kind::Summary, value.message()?)),
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
            visitor.point(&metric, point::read(&metric, value.message()?)?);
            Ok(())
        }
        _ => Ok(()),
    })
}

fn set_property(metric: &mut Metric<'_>, number: u64, value: Value<'_>) -> Result<(), Reason> {
    match (metric.kind, number) {
        (Kind::Sum { .. } | Kind::Histogram | Kind::ExponentialHistogram, 2) => {
            metric.temporality = match value.varint()? {
                1 => Temporality::Delta,
                2 => Temporality::Cumulative,
                _ => Temporality::Unspecified,
            };
        }
        (Kind::Sum { .. }, 3) => metric.kind = Kind::Sum { monotonic: value.varint()? != 0 },
        _ => {}
    }
    Ok(())
}
