//! The body of a push or an add: its size limit, its encoding and its compression.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use prompush_core::{Encoder, Format, Source};

use crate::error::{Cause, PushErrorKind};
use crate::http::HttpBody;
use crate::payload::change_merge::GroupChange;
use crate::payload::families::Families;

/// How bodies are encoded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyOptions {
    pub(crate) format: Format,
    /// Largest body before compression, in bytes.
    pub(crate) bytes_max: usize,
    pub(crate) gzip: bool,
}

/// Why there is no body: the kind of the error, and its cause.
pub(crate) type BodyError = (PushErrorKind, Cause);

/// The state of a source at one moment.
#[derive(Debug)]
pub(crate) struct GatheredFamilies {
    pub(crate) families: Families,
    /// How many samples the families have.
    pub(crate) samples: usize,
}

/// Gathers and encodes `source`.
pub(crate) fn gather(
    source: &dyn Source,
    options: BodyOptions,
) -> Result<GatheredFamilies, BodyError> {
    let mut encoder = Encoder::new(options.format);
    encoder.encode(source).map_err(|error| (PushErrorKind::Encode, Cause::other(error)))?;
    check_size(encoder.as_bytes().len(), options)?;
    Ok(GatheredFamilies { families: Families::of(&encoder), samples: encoder.samples() })
}

fn check_size(length: usize, options: BodyOptions) -> Result<(), BodyError> {
    let max = options.bytes_max;
    if length <= max {
        return Ok(());
    }
    let text = format!("the body has {length} bytes, and `body_bytes_max` is {max}");
    Err((PushErrorKind::TooLarge, Cause::Text(text)))
}

/// Metric families as one body.
#[derive(Debug)]
pub(crate) struct EncodedBody {
    /// The body as the gateway reads it.
    pub(crate) bytes: Vec<u8>,
    format: Format,
    /// The body as it is sent, where it is compressed.
    compressed: Option<Vec<u8>>,
    pub(crate) families: usize,
}

impl EncodedBody {
    /// The body of a push or an add; `None` for a delete, which has no body.
    pub(crate) fn of_change(
        change: &GroupChange,
        options: BodyOptions,
    ) -> Result<Option<Self>, BodyError> {
        change.families().map(|families| Self::new(families, options)).transpose()
    }

    fn new(families: &Families, options: BodyOptions) -> Result<Self, BodyError> {
        check_size(families.bytes_len(), options)?;
        let bytes = families.to_body();
        let compressed = if options.gzip { Some(gzip(&bytes)?) } else { None };
        Ok(Self { bytes, format: families.format(), compressed, families: families.len() })
    }

    /// The lines that an error message of the gateway may refer to by number; empty for protobuf.
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

fn gzip(bytes: &[u8]) -> Result<Vec<u8>, BodyError> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() / 8), Compression::fast());
    encoder
        .write_all(bytes)
        .and_then(|()| encoder.finish())
        .map_err(|error| (PushErrorKind::Encode, Cause::other(error)))
}
