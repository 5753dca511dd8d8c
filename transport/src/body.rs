//! A body ready to be sent.

use std::borrow::Cow;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use prompush_core::{Encoder, Format, Source};

use crate::config::GatewayConfig;
use crate::error::{Cause, PushErrorKind};
use crate::http::HttpBody;

/// The state of a source at one moment, encoded and within its limit.
#[derive(Debug)]
pub(crate) struct EncodedBody<'a> {
    /// As the gateway will read it.
    pub(crate) bytes: &'a [u8],
    format: Format,
    /// As it is sent.
    wire: Cow<'a, [u8]>,
    pub(crate) families: usize,
    pub(crate) samples: usize,
}

impl<'a> EncodedBody<'a> {
    /// Gathers and encodes `source` into `encoder`'s buffer.
    ///
    /// An error has the kind and the cause, and how many families there were if that is known.
    pub(crate) fn encode(
        encoder: &'a mut Encoder,
        source: &dyn Source,
        config: &GatewayConfig,
    ) -> Result<Self, (PushErrorKind, Cause)> {
        if let Err(error) = encoder.encode(source) {
            return Err((PushErrorKind::Encode, Cause::other(error)));
        }
        let (families, samples) = (encoder.families(), encoder.samples());
        let (bytes, format) = (encoder.as_bytes(), encoder.format());
        if bytes.len() > config.body_bytes_max {
            let (length, max) = (bytes.len(), config.body_bytes_max);
            let words = format!("the body has {length} bytes, and `body_bytes_max` is {max}");
            return Err((PushErrorKind::TooLarge, Cause::Text(words)));
        }
        let wire = if config.gzip { Cow::Owned(gzip(bytes)?) } else { Cow::Borrowed(bytes) };
        Ok(Self { bytes, format, wire, families, samples })
    }

    /// The lines that a gateway may complain of; none where there are no lines.
    pub(crate) fn lines(&self) -> &'a [u8] {
        if self.format == Format::Protobuf { &[] } else { self.bytes }
    }

    pub(crate) fn http(&self) -> HttpBody<'_> {
        HttpBody {
            bytes: &self.wire,
            content_type: self.format.content_type(),
            gzip: matches!(self.wire, Cow::Owned(_)),
        }
    }
}

fn gzip(bytes: &[u8]) -> Result<Vec<u8>, (PushErrorKind, Cause)> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 8), Compression::fast());
    encoder
        .write_all(bytes)
        .and_then(|()| encoder.finish())
        .map_err(|error| (PushErrorKind::Encode, Cause::other(error)))
}
