//! A body ready to be sent.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use prompush_core::{Encoder, Format, Source};

use crate::error::cause::Cause;
use crate::error::kind::PushErrorKind;
use crate::exchange::config::GatewayConfig;
use crate::http::request::HttpBody;
use crate::payload::families::Families;

/// The state of a source at one moment.
#[derive(Debug)]
pub(crate) struct Gathered {
    pub(crate) families: Families,
    /// Lines with a value.
    pub(crate) samples: usize,
}

/// Gathers and encodes `source`, within `body_bytes_max`.
pub(crate) fn gather(
    source: &dyn Source,
    config: &GatewayConfig,
) -> Result<Gathered, (PushErrorKind, Cause)> {
    let mut encoder = Encoder::new(config.format);
    encoder.encode(source).map_err(|error| (PushErrorKind::Encode, Cause::other(error)))?;
    check_size(encoder.as_bytes().len(), config)?;
    Ok(Gathered { families: Families::of(&encoder), samples: encoder.samples() })
}

fn check_size(length: usize, config: &GatewayConfig) -> Result<(), (PushErrorKind, Cause)> {
    let max = config.body_bytes_max;
    if length <= max {
        return Ok(());
    }
    let words = format!("the body has {length} bytes, and `body_bytes_max` is {max}");
    Err((PushErrorKind::TooLarge, Cause::Text(words)))
}

/// Families as one body, within its limit.
#[derive(Debug)]
pub(crate) struct EncodedBody {
    /// As the gateway will read it.
    pub(crate) bytes: Vec<u8>,
    format: Format,
    /// As it is sent, where that is compressed.
    compressed: Option<Vec<u8>>,
    pub(crate) families: usize,
}

impl EncodedBody {
    /// An error has the kind and the cause.
    pub(crate) fn new(
        families: &Families,
        config: &GatewayConfig,
    ) -> Result<Self, (PushErrorKind, Cause)> {
        check_size(families.bytes_len(), config)?;
        let bytes = families.to_body();
        let compressed = if config.gzip { Some(gzip(&bytes)?) } else { None };
        Ok(Self { bytes, format: families.format(), compressed, families: families.len() })
    }

    /// The lines that a gateway may complain of; none where there are no lines.
    pub(crate) fn lines(&self) -> &[u8] {
        if self.format == Format::Protobuf { &[] } else { &self.bytes }
    }

    pub(crate) fn is_compressed(&self) -> bool {
        self.compressed.is_some()
    }

    pub(crate) fn http(&self) -> HttpBody<'_> {
        HttpBody {
            bytes: self.compressed.as_ref().unwrap_or(&self.bytes),
            content_type: self.format.content_type(),
            gzip: self.is_compressed(),
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
