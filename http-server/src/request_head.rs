//! The faults of a request head that the server refuses because hyper accepts them.

use hyper::Version;
use hyper::header;
use hyper::http::request::Parts;

use crate::response::Response;

/// The response to a faulty head; `None` if the head has no fault. `recorded` holds those bytes of the head that were
/// recorded.
pub(crate) fn refuse(parts: &Parts, recorded: &[u8]) -> Option<Response> {
    if parts.version == Version::HTTP_11 && !parts.headers.contains_key(header::HOST) {
        let message = "400 Bad Request: missing required Host header";
        return Some(Response::text(400, message).closing());
    }
    if parts.headers.contains_key(header::TRANSFER_ENCODING)
        && may_have_content_length(recorded, parts.method.as_str())
    {
        let message = "a request must not have both Content-Length and Transfer-Encoding";
        return Some(Response::error(400, message).closing());
    }
    // hyper would drop the `#` and everything behind it, so that a push would reach another group.
    if recorded.split(|byte| *byte == b'\n').next().is_some_and(|line| line.contains(&b'#')) {
        return Some(Response::error(400, "a `#` in a path has to be percent-encoded").closing());
    }
    None
}

/// Whether the head of a request with a `Transfer-Encoding` also has, or may have, a `Content-Length`.
///
/// The answer is also yes if the head was not recorded completely. A head is incomplete if the client sent it together
/// with the request before it.
fn may_have_content_length(head: &[u8], method: &str) -> bool {
    let start = head.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).unwrap_or(head.len());
    let head = head.get(start..).unwrap_or_default();
    if !head.starts_with(method.as_bytes()) {
        return true;
    }
    for line in head.split_inclusive(|byte| *byte == b'\n') {
        let Some(line) = line.strip_suffix(b"\n") else { return true };
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            return false;
        }
        let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
        if name.trim_ascii().eq_ignore_ascii_case(b"content-length") {
            return true;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_length_in_a_head_is_seen() {
        let check = |head: &str, expected: bool| {
            assert_eq!(may_have_content_length(head.as_bytes(), "PUT"), expected, "{head:?}");
        };
        check("PUT / HTTP/1.1\r\nHost: x\r\n\r\nContent-Length: 5\r\n", false);
        check("\r\nPUT / HTTP/1.1\r\nHost: x\r\n\r\n", false);
        check("PUT / HTTP/1.1\nHost: x\n\n", false);
        check("PUT / HTTP/1.1\r\nCONTENT-length : 5\r\nHost: x\r\n\r\n", true);
        check("PUT / HTTP/1.1\r\ncontent-length:5\r\n\r\n", true);
        check("PUT / HTTP/1.1\r\nHost: x\r\n", true); // The end is missing.
        check("ontent-Type: x\r\n\r\n", true); // The beginning is missing.
    }
}
