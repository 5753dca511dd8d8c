//! Turns a handler's response into the response that hyper sends.

use std::io::{self, Write as _};

use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::Full;
use hyper::StatusCode;
use hyper::body::Bytes;
use hyper::header::{self, HeaderName, HeaderValue};

use crate::response::Response;

/// The largest body, in bytes, that is compressed on the server's own thread. A larger body is compressed on a
/// blocking thread, so that other connections need not wait.
const INLINE_BYTES_MAX: usize = 256 << 10;

pub(crate) async fn write_response(mut response: Response) -> hyper::Response<Full<Bytes>> {
    if response.gzip {
        response = compress(response).await;
    }
    let mut written = hyper::Response::new(Full::new(Bytes::from(response.body)));
    *written.status_mut() =
        StatusCode::from_u16(response.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in response.headers {
        // `HeaderName::from_bytes` accepts capitals, which handlers use for the reader, and sends lower case.
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value.as_bytes())) {
            written.headers_mut().append(name, value);
        }
    }
    if response.close || response.shutdown {
        written.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    written
}

async fn compress(mut response: Response) -> Response {
    let body = std::mem::take(&mut response.body);
    let compressed = if body.len() <= INLINE_BYTES_MAX {
        gzip(&body)
    } else {
        let compressed = tokio::task::spawn_blocking(move || gzip(&body)).await;
        compressed.unwrap_or_else(|error| Err(io::Error::other(error)))
    };
    match compressed {
        Ok(compressed) => {
            response.body = compressed;
            response.header("Content-Encoding", "gzip").header("Vary", "Accept-Encoding")
        }
        Err(error) => {
            log::error!("cannot compress a response: {error}");
            Response::error(500, "internal error").closing()
        }
    }
}

fn gzip(body: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 8), Compression::fast());
    encoder.write_all(body)?;
    encoder.finish()
}
