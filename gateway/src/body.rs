//! From the bytes of a push to an exposition.

use std::borrow::Cow;
use std::io;

use prompush_core::{Exposition, Format};
use prompush_http_server::content_coding::{self, ContentCoding, ContentCodingError};

use crate::error::BodyError;

/// The coding that a `Content-Encoding` header names, in any letter case.
///
/// As upstream has it, the gateway knows `gzip` and `snappy`, and takes a body of any other coding as it is.
fn content_coding(header: Option<&str>) -> ContentCoding {
    match header.map(str::to_ascii_lowercase).as_deref() {
        Some("gzip") => ContentCoding::Gzip,
        Some("snappy") => ContentCoding::Snappy,
        _ => ContentCoding::Identity,
    }
}

/// Decompresses a body to at most `bytes_max` bytes, as its `Content-Encoding` header says.
///
/// # Errors
///
/// If the body is truncated, corrupt or too large.
pub(crate) fn decompress<'a>(
    body: &'a [u8],
    content_encoding: Option<&str>,
    bytes_max: usize,
) -> Result<Cow<'a, [u8]>, BodyError> {
    let coding = content_coding(content_encoding);
    if coding == ContentCoding::Gzip {
        check_gzip_header(body)?;
    }
    content_coding::decode(coding, body, bytes_max).map_err(decompress_error)
}

/// Refuses a body that Go's gzip reader refuses by its header, because the text of the error differs.
fn check_gzip_header(body: &[u8]) -> Result<(), BodyError> {
    const HEADER_BYTES: usize = 10;
    match body {
        [] => Err(BodyError::Empty),
        short if short.len() < HEADER_BYTES => Err(BodyError::Truncated),
        [0x1f, 0x8b, 8, ..] => Ok(()),
        _ => Err(BodyError::GzipHeader),
    }
}

fn decompress_error(error: ContentCodingError) -> BodyError {
    match error {
        ContentCodingError::TooLarge { bytes_max } => BodyError::TooLarge(bytes_max),
        ContentCodingError::Malformed { coding: ContentCoding::Gzip, source } => {
            match source.kind() {
                io::ErrorKind::UnexpectedEof => BodyError::Truncated,
                _ => BodyError::Gzip(source),
            }
        }
        _ => BodyError::Snappy,
    }
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
