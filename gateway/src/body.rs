//! From the bytes of a push to an exposition.

use std::borrow::Cow;
use std::io::{self, Read};

use flate2::read::MultiGzDecoder;
use prompush_core::{Exposition, Format};

use crate::error::BodyError;

/// How the bytes of a body are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// Not at all; also where the encoding is one that we do not know, as upstream has it.
    Identity,
    Gzip,
    /// The framed format.
    Snappy,
}

impl Encoding {
    /// Reads a `Content-Encoding`, in any letter case.
    pub(crate) fn from_header(header: Option<&str>) -> Self {
        match header.map(str::to_ascii_lowercase).as_deref() {
            Some("gzip") => Self::Gzip,
            Some("snappy") => Self::Snappy,
            _ => Self::Identity,
        }
    }
}

/// Unpacks a body of at most `bytes_max` bytes.
///
/// # Errors
///
/// If the body is truncated, corrupt or too large.
pub(crate) fn decompress(
    body: &[u8],
    encoding: Encoding,
    bytes_max: usize,
) -> Result<Cow<'_, [u8]>, BodyError> {
    match encoding {
        Encoding::Identity => Ok(Cow::Borrowed(body)),
        Encoding::Gzip => {
            check_gzip_header(body)?;
            read(MultiGzDecoder::new(body), bytes_max, gzip_error)
        }
        Encoding::Snappy => {
            read(snap::read::FrameDecoder::new(body), bytes_max, |_| BodyError::Snappy)
        }
    }
}

/// Tells apart what the decoder does not: no body, and less than a header.
fn check_gzip_header(body: &[u8]) -> Result<(), BodyError> {
    const HEADER_BYTES: usize = 10;
    match body {
        [] => Err(BodyError::Empty),
        short if short.len() < HEADER_BYTES => Err(BodyError::Truncated),
        [0x1f, 0x8b, 8, ..] => Ok(()),
        _ => Err(BodyError::GzipHeader),
    }
}

fn gzip_error(error: io::Error) -> BodyError {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => BodyError::Truncated,
        _ => BodyError::Gzip(error),
    }
}

fn read(
    decoder: impl Read,
    bytes_max: usize,
    error: impl Fn(io::Error) -> BodyError,
) -> Result<Cow<'static, [u8]>, BodyError> {
    let one_more = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    let mut decompressed = Vec::new();
    decoder.take(one_more).read_to_end(&mut decompressed).map_err(error)?;
    if decompressed.len() > bytes_max {
        return Err(BodyError::TooLarge(bytes_max));
    }
    Ok(Cow::Owned(decompressed))
}

/// Parses an unpacked body: delimited protobuf if the `Content-Type` says exactly so, else text 0.0.4.
///
/// # Errors
///
/// At the first fault.
pub(crate) fn parse<'a>(
    body: &'a [u8],
    content_type: Option<&str>,
) -> Result<Exposition<'a>, BodyError> {
    if content_type.is_some_and(is_delimited_protobuf) {
        return prompush_core::protobuf::decode(body).map_err(BodyError::Protobuf);
    }
    prompush_core::parse(body, Format::Text)
        .map_err(|error| BodyError::Text { line: error.line, kind: error.kind })
}

fn is_delimited_protobuf(content_type: &str) -> bool {
    let mut parts = content_type.split(';').map(str::trim);
    let media_type = parts.next().unwrap_or_default();
    let parameters: Vec<(&str, &str)> = parts
        .filter_map(|part| part.split_once('='))
        .map(|(name, value)| (name.trim(), value.trim().trim_matches('"')))
        .collect();
    let has = |wanted: &str, value: &str| {
        parameters.iter().any(|(name, given)| name.eq_ignore_ascii_case(wanted) && *given == value)
    };
    media_type.eq_ignore_ascii_case("application/vnd.google.protobuf")
        && has("encoding", "delimited")
        && has("proto", "io.prometheus.client.MetricFamily")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_content_type_is_protobuf() {
        let check = |content_type: &str, expected: bool| {
            assert_eq!(is_delimited_protobuf(content_type), expected, "{content_type}");
        };
        check(
            "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited",
            true,
        );
        check(
            "Application/Vnd.Google.Protobuf;Encoding=\"delimited\";proto=io.prometheus.client.MetricFamily",
            true,
        );
        check(
            "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=text",
            false,
        );
        check("application/vnd.google.protobuf", false);
        check("text/plain; version=0.0.4", false);
    }
}
