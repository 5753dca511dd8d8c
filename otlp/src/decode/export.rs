//! One export, decoded and checked.

use prompush_core::protobuf::Reason;

use crate::decode::attribute::Attribute;
use crate::decode::content_encoding;
use crate::decode::data_point::DataPoint;
use crate::decode::message::{self, Visitor};
use crate::decode::metric::OtlpMetric;
use crate::error::DecodeError;

/// One export: the body of a `POST /v1/metrics`, unpacked and checked.
#[derive(Clone, Debug)]
pub struct Export {
    /// Invariant: `message::visit` finds no fault in it.
    body: Vec<u8>,
    resource: Vec<(String, String)>,
    points: usize,
}

impl Export {
    /// Reads a body as it came, packed as `content_encoding` says: `gzip`, `deflate` (zlib, or
    /// raw as some programs send it), or not at all (`None`, empty, or `identity`).
    ///
    /// `bytes_max` limits the body as sent and unpacked; the memory taken is at most that, plus
    /// what one point and the resource need.
    ///
    /// # Errors
    /// [`DecodeError`] where the encoding is another one, the body is too large or cannot be
    /// unpacked, or is no export.
    pub fn decode(
        body: &[u8],
        content_encoding: Option<&str>,
        bytes_max: usize,
    ) -> Result<Self, DecodeError> {
        let body = content_encoding::decompress(body, content_encoding, bytes_max)?;
        let mut scan = ExportScan::default();
        message::visit(&body, &mut scan).map_err(|reason| DecodeError::Protobuf { reason })?;
        let ExportScan { resource, points } = scan;
        Ok(Self { body, resource, points })
    }

    /// The value of an attribute of the resource, such as `service.instance.id` or `host.name`,
    /// as text. Of several resources in one body it is the first that counts.
    pub fn resource_attribute(&self, key: &str) -> Option<&str> {
        self.resource.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// All attributes of the (first) resource, in the order of the body.
    pub fn resource_attributes(&self) -> impl Iterator<Item = (&str, &str)> {
        self.resource.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// How many points there are, of all metrics.
    pub fn points(&self) -> usize {
        self.points
    }

    /// Shows `visitor` every metric and its points.
    pub(crate) fn visit(&self, visitor: &mut dyn Visitor) {
        let visited = message::visit(&self.body, visitor);
        debug_assert_eq!(visited, Ok(()), "`decode` found no fault");
    }
}

/// What `decode` keeps of a body beside its bytes.
#[derive(Default)]
struct ExportScan {
    resource: Vec<(String, String)>,
    points: usize,
}

impl Visitor for ExportScan {
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
