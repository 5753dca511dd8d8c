//! The body of a push: decompression and parsing.

use std::borrow::Cow;
use std::io;

use prompush_core::{Exposition, Format};
use prompush_http_server::content_coding::{self, ContentCoding, ContentCodingError};

use crate::error::PushBodyError;

/// Parses a `Content-Encoding` header, in any letter case.
///
/// Like upstream, the gateway knows `gzip` and `snappy`, and does not decompress a body with any other value.
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
) -> Result<Cow<'a, [u8]>, PushBodyError> {
    let coding = content_coding(content_encoding);
    if coding == ContentCoding::Gzip {
        check_gzip_header(body)?;
    }
    content_coding::decode(coding, body, bytes_max).map_err(decompress_error)
}

/// Refuses a gzip body with a faulty header. Go has other messages for these faults than for the rest of the body, and
/// our decoder does not distinguish them.
fn check_gzip_header(body: &[u8]) -> Result<(), PushBodyError> {
    const HEADER_BYTES: usize = 10;
    match body {
        [] => Err(PushBodyError::Empty),
        short if short.len() < HEADER_BYTES => Err(PushBodyError::Truncated),
        [0x1f, 0x8b, 8, ..] => Ok(()),
        _ => Err(PushBodyError::GzipHeader),
    }
}

fn decompress_error(error: ContentCodingError) -> PushBodyError {
    match error {
        ContentCodingError::TooLarge { bytes_max } => PushBodyError::TooLarge(bytes_max),
        ContentCodingError::Malformed { coding: ContentCoding::Gzip, source } => {
            match source.kind() {
                io::ErrorKind::UnexpectedEof => PushBodyError::Truncated,
                _ => PushBodyError::Gzip(source),
            }
        }
        _ => PushBodyError::Snappy,
    }
}

/// Parses a decompressed body. The format is delimited protobuf if the `Content-Type` header names exactly that,
/// otherwise text 0.0.4.
///
/// # Errors
///
/// The first fault of the body.
pub(crate) fn parse<'a>(
    body: &'a [u8],
    content_type: Option<&str>,
) -> Result<Exposition<'a>, PushBodyError> {
    if content_type.is_some_and(is_delimited_protobuf) {
        return prompush_core::protobuf::decode(body).map_err(PushBodyError::Protobuf);
    }
    prompush_core::parse(body, Format::Text)
        .map_err(|error| PushBodyError::Text { line: error.line, kind: error.kind })
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
