//! Unpacking a body, within a limit.

use std::io::{self, Read};

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use crate::error::DecodeError;

/// Unpacks `body` to at most `bytes_max` bytes.
///
/// # Errors
/// [`DecodeError`] but `Protobuf`.
pub(crate) fn decompress(
    body: &[u8],
    content_encoding: Option<&str>,
    bytes_max: usize,
) -> Result<Vec<u8>, DecodeError> {
    if body.len() > bytes_max {
        return Err(DecodeError::TooLarge { bytes_max });
    }
    let encoding = content_encoding.unwrap_or_default().trim().to_ascii_lowercase();
    match encoding.as_str() {
        "" | "identity" => Ok(body.to_owned()),
        "gzip" | "x-gzip" => read("gzip", MultiGzDecoder::new(body), bytes_max),
        "deflate" if is_zlib(body) => read("deflate", ZlibDecoder::new(body), bytes_max),
        "deflate" => read("deflate", DeflateDecoder::new(body), bytes_max),
        _ => Err(DecodeError::ContentEncoding { encoding }),
    }
}

/// Whether a body begins with the header of zlib, which HTTP means by `deflate` (RFC 9110, 8.4.1.2).
fn is_zlib(body: &[u8]) -> bool {
    /// The method "deflate", in the lower half of the first byte (RFC 1950, 2.2).
    const DEFLATE: u8 = 8;
    match body {
        [method, flags, ..] => {
            method & 0x0F == DEFLATE && u16::from_be_bytes([*method, *flags]).is_multiple_of(31)
        }
        _ => false,
    }
}

fn read(
    encoding: &'static str,
    decoder: impl Read,
    bytes_max: usize,
) -> Result<Vec<u8>, DecodeError> {
    let one_more = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    let mut unpacked = Vec::new();
    let fault = |source: io::Error| DecodeError::Decompress { encoding, source };
    decoder.take(one_more).read_to_end(&mut unpacked).map_err(fault)?;
    if unpacked.len() > bytes_max {
        return Err(DecodeError::TooLarge { bytes_max });
    }
    Ok(unpacked)
}
