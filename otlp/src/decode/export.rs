//! One export, decoded and checked.

use prompush_core::protobuf::Reason;

use crate::decode::attribute::Attribute;
use crate::decode::message::{self, Visitor};
use crate::decode::metric::{DataPoint, OtlpMetric};
use crate::error::DecodeError;

/// One export of metrics: the body of a `POST /v1/metrics`, checked.
#[derive(Clone, Debug)]
pub struct Export {
    /// Invariant: `message::visit` finds no error in it.
    body: Vec<u8>,
    resource: Vec<(String, String)>,
    points: usize,
}

impl Export {
    /// Decodes a body that is not compressed.
    ///
    /// The export takes the memory of the body, and little more: points are read again from the
    /// body whenever they are needed, one at a time.
    ///
    /// # Errors
    /// [`DecodeError`] when the body is not an export, when a point has more than 1,000
    /// attributes, or when an attribute value is nested more than 16 deep.
    pub fn decode(body: impl Into<Vec<u8>>) -> Result<Self, DecodeError> {
        let body = body.into();
        let mut contents = ExportContents::default();
        message::visit(&body, &mut contents).map_err(|reason| DecodeError { reason })?;
        let ExportContents { resource, points } = contents;
        Ok(Self { body, resource, points })
    }

    /// The value of a resource attribute as text, such as that of `service.instance.id` or
    /// `host.name`. If the body has several resources, the first one counts.
    pub fn resource_attribute(&self, key: &str) -> Option<&str> {
        self.resource.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// All attributes of the first resource, in the order of the body.
    pub fn resource_attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.resource.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The number of points of all metrics.
    pub fn points(&self) -> usize {
        self.points
    }

    /// Shows every metric and every point to `visitor`.
    pub(crate) fn visit(&self, visitor: &mut dyn Visitor) {
        let visited = message::visit(&self.body, visitor);
        debug_assert_eq!(visited, Ok(()), "`decode` found no error");
    }
}

/// The resource and the number of points, which `Export::decode` notes while it checks a body.
#[derive(Default)]
struct ExportContents {
    resource: Vec<(String, String)>,
    points: usize,
}

impl Visitor for ExportContents {
    fn resource(&mut self, attributes: Vec<Attribute<'_>>) -> Result<(), Reason> {
        if self.resource.is_empty() {
            let owned =
                |attribute: Attribute<'_>| (attribute.key.to_owned(), attribute.value.into_owned());
            self.resource = attributes.into_iter().map(owned).collect();
        }
        Ok(())
    }

    fn metric(&mut self, _: &OtlpMetric<'_>) {}

    fn point(&mut self, _: &OtlpMetric<'_>, _: DataPoint<'_>) {
        self.points += 1;
    }
}
