//! Decompression of request bodies, with a limit on the decompressed size.
//!
//! A server needs the limit because a few kilobytes of compressed data can decompress to gigabytes.
//! Nothing here needs the async runtime, so [`decode`] can be called from any thread.
//!
//! ```
//! use prompush_http_server::content_coding::{ContentCoding, decode};
//!
//! // The header of an HTTP request that has no compressed body.
//! let coding = ContentCoding::from_header(None)?;
//! assert_eq!(decode(coding, b"rows_total 1\n", 1024)?.as_ref(), b"rows_total 1\n");
//! assert!(decode(coding, b"rows_total 1\n", 5).is_err());
//! # Ok::<(), prompush_http_server::content_coding::ContentCodingError>(())
//! ```

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Read};

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

/// A way in which a client may have compressed a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ContentCoding {
    /// The body is not compressed.
    Identity,
    /// The gzip format (RFC 1952). A body may consist of several gzip members.
    Gzip,
    /// The zlib format (RFC 1950), or the bare deflate format (RFC 1951) that some clients send instead.
    Deflate,
    /// The framed snappy format. No RFC registers it, but the Pushgateway accepts it.
    Snappy,
}

impl ContentCoding {
    /// Parses the value of a `Content-Encoding` header, in any letter case. `None` is a request without the header.
    ///
    /// The known values are those of RFC 9110, section 8.4.1, without `compress`: `gzip`, `x-gzip`, `deflate`, and
    /// `identity`, for which an empty value may stand.
    ///
    /// # Errors
    ///
    /// [`ContentCodingError::Unsupported`] if the header has another value.
    pub fn from_header(header: Option<&str>) -> Result<Self, ContentCodingError> {
        let coding = header.unwrap_or_default().trim().to_ascii_lowercase();
        match coding.as_str() {
            "" | "identity" => Ok(Self::Identity),
            "gzip" | "x-gzip" => Ok(Self::Gzip),
            "deflate" => Ok(Self::Deflate),
            _ => Err(ContentCodingError::Unsupported { coding }),
        }
    }

    /// The name of the coding in a `Content-Encoding` header.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Snappy => "snappy",
        }
    }
}

impl fmt::Display for ContentCoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a body cannot be decompressed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ContentCodingError {
    /// The `Content-Encoding` header names a coding that [`ContentCoding::from_header`] does not know.
    #[error(
        "content encoding `{}` is not supported: `gzip` and `deflate` are",
        coding.escape_debug()
    )]
    Unsupported {
        /// The value of the header, in lower case.
        coding: String,
    },
    /// The body is larger than the limit. If the body is compressed, the decompressed size counts.
    #[error("the body has more than {bytes_max} bytes")]
    TooLarge {
        /// The limit, in bytes.
        bytes_max: usize,
    },
    /// The body is truncated, or it is not in the format that its `Content-Encoding` header names.
    #[error("the body is not what its content encoding `{coding}` says")]
    Malformed {
        /// The content coding of the body.
        coding: ContentCoding,
        /// The error of the decoder. Its kind is [`io::ErrorKind::UnexpectedEof`] if the body is truncated.
        #[source]
        source: io::Error,
    },
}

/// Decompresses `body`. The result has at most `bytes_max` bytes; at most one byte more is ever decompressed.
///
/// A body with [`ContentCoding::Identity`] is returned as it is, without a copy.
///
/// # Errors
///
/// [`ContentCodingError::TooLarge`] if the result would have more than `bytes_max` bytes, and
/// [`ContentCodingError::Malformed`] if the body is truncated or is not in the format of `coding`.
pub fn decode(
    coding: ContentCoding,
    body: &[u8],
    bytes_max: usize,
) -> Result<Cow<'_, [u8]>, ContentCodingError> {
    let decoded = match coding {
        ContentCoding::Identity => Cow::Borrowed(body),
        ContentCoding::Gzip => read(coding, MultiGzDecoder::new(body), bytes_max)?,
        ContentCoding::Deflate if is_zlib(body) => read(coding, ZlibDecoder::new(body), bytes_max)?,
        ContentCoding::Deflate => read(coding, DeflateDecoder::new(body), bytes_max)?,
        ContentCoding::Snappy => read(coding, snap::read::FrameDecoder::new(body), bytes_max)?,
    };
    if decoded.len() > bytes_max {
        return Err(ContentCodingError::TooLarge { bytes_max });
    }
    Ok(decoded)
}

/// Reads the decoder to its end, or until it has produced one byte more than `bytes_max`.
fn read(
    coding: ContentCoding,
    decoder: impl Read,
    bytes_max: usize,
) -> Result<Cow<'static, [u8]>, ContentCodingError> {
    let one_more = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    let mut decoded = Vec::new();
    decoder
        .take(one_more)
        .read_to_end(&mut decoded)
        .map_err(|source| ContentCodingError::Malformed { coding, source })?;
    Ok(Cow::Owned(decoded))
}

/// Whether a body begins with a zlib header. RFC 9110, section 8.4.1.2, demands the header for `deflate`,
/// but some clients send the compressed data without it.
fn is_zlib(body: &[u8]) -> bool {
    /// The compression method "deflate" in the lower four bits of the first byte (RFC 1950, section 2.2).
    const DEFLATE: u8 = 8;
    match body {
        [method, flags, ..] => {
            method & 0x0F == DEFLATE && u16::from_be_bytes([*method, *flags]).is_multiple_of(31)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;

    const TEXT: &[u8] = b"rows_total 1\n";

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn bare_deflate(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn snappy(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = snap::write::FrameEncoder::new(Vec::new());
        encoder.write_all(bytes).unwrap();
        encoder.into_inner().unwrap()
    }

    fn bodies(bytes: &[u8]) -> [(ContentCoding, Vec<u8>); 5] {
        [
            (ContentCoding::Identity, bytes.to_vec()),
            (ContentCoding::Gzip, gzip(bytes)),
            (ContentCoding::Deflate, zlib(bytes)),
            (ContentCoding::Deflate, bare_deflate(bytes)),
            (ContentCoding::Snappy, snappy(bytes)),
        ]
    }

    #[test]
    fn headers_are_parsed_in_any_letter_case() {
        let check = |header: Option<&str>, expected: ContentCoding| {
            assert_eq!(ContentCoding::from_header(header).unwrap(), expected, "{header:?}");
        };
        check(None, ContentCoding::Identity);
        check(Some(""), ContentCoding::Identity);
        check(Some("identity"), ContentCoding::Identity);
        check(Some("GZip"), ContentCoding::Gzip);
        check(Some("x-gzip"), ContentCoding::Gzip);
        check(Some(" DEFLATE "), ContentCoding::Deflate);
        let error = ContentCoding::from_header(Some("br")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "content encoding `br` is not supported: `gzip` and `deflate` are"
        );
    }

    #[test]
    fn every_coding_is_decoded() {
        for (coding, body) in bodies(TEXT) {
            assert_eq!(decode(coding, &body, TEXT.len()).unwrap().as_ref(), TEXT, "{coding}");
        }
        let two_members = [gzip(b"rows_"), gzip(b"total 1\n")].concat();
        assert_eq!(decode(ContentCoding::Gzip, &two_members, 100).unwrap().as_ref(), TEXT);
    }

    #[test]
    fn the_decoded_size_is_limited() {
        for (coding, body) in bodies(&vec![0; 2 << 20]) {
            let error = decode(coding, &body, 1 << 20).unwrap_err();
            assert!(
                matches!(error, ContentCodingError::TooLarge { bytes_max: 1_048_576 }),
                "{coding}: {error}"
            );
        }
    }

    #[test]
    fn truncated_and_foreign_bodies_are_malformed() {
        for (coding, body) in bodies(TEXT) {
            if coding == ContentCoding::Identity {
                continue;
            }
            let truncated = &body[..body.len() - 1];
            for malformed in [truncated, b"no such format"] {
                let error = decode(coding, malformed, 100).unwrap_err();
                assert!(matches!(error, ContentCodingError::Malformed { .. }), "{coding}: {error}");
            }
        }
    }
}
