//! A body ready to be sent.

use std::borrow::Cow;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use prompush_core::{Encoder, Format, Source};

use crate::config::GatewayConfig;
use crate::error::{Cause, PushErrorKind};
use crate::http::HttpBody;

/// The format of every push: the one that all gateways read.
pub(crate) const FORMAT: Format = Format::Text;

/// The state of a source at one moment, encoded and within its limit.
#[derive(Debug)]
pub(crate) struct EncodedBody<'a> {
    /// As the gateway will read it, for quoting the line it complains of.
    pub(crate) text: &'a [u8],
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
        let text = encoder.as_bytes();
        if text.len() > config.body_bytes_max {
            let (bytes, max) = (text.len(), config.body_bytes_max);
            let words = format!("the body has {bytes} bytes, and `body_bytes_max` is {max}");
            return Err((PushErrorKind::TooLarge, Cause::Text(words)));
        }
        let wire = if config.gzip { Cow::Owned(gzip(text)?) } else { Cow::Borrowed(text) };
        Ok(Self { text, wire, families, samples })
    }

    pub(crate) fn http(&self) -> HttpBody<'_> {
        HttpBody {
            bytes: &self.wire,
            content_type: FORMAT.content_type(),
            gzip: matches!(self.wire, Cow::Owned(_)),
        }
    }
}

fn gzip(text: &[u8]) -> Result<Vec<u8>, (PushErrorKind, Cause)> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(text.len() / 8), Compression::fast());
    encoder
        .write_all(text)
        .and_then(|()| encoder.finish())
        .map_err(|error| (PushErrorKind::Encode, Cause::other(error)))
}
