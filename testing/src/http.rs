//! One HTTP request on one connection: the simplest client, which can send any bytes.

use std::fmt::Write as _;
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

/// The longest wait for a byte.
const TIMEOUT: Duration = Duration::from_secs(30);

/// An answer of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The headers in the order of arrival, with names in lower case.
    pub headers: Vec<(String, String)>,
    /// The bytes after the head, up to the end of the connection.
    pub body: Vec<u8>,
}

impl Response {
    /// The body as text. Bytes that are not UTF-8 are replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    ///
    /// When the body is not JSON: the message shows it.
    pub fn json(&self) -> serde_json::Value {
        let text = self.text();
        let parsed = serde_json::from_str(&text);
        assert!(parsed.is_ok(), "status {}, and the body is no JSON: {text}", self.status);
        parsed.unwrap_or_default()
    }

    /// The first header with that name. `name` is in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }
}

/// Sends a `GET` without headers of its own.
///
/// # Errors
///
/// As [`request`].
pub fn get(address: SocketAddr, target: &str) -> io::Result<Response> {
    request(address, "GET", target, &[], &[])
}

/// Sends one request and reads the answer. `target` stands on the request line unchanged.
///
/// The request is HTTP/1.0, so that the answer is never chunked and ends with the connection.
///
/// # Errors
///
/// When the connection fails, no byte arrives for 30 s, or the answer has no HTTP head.
pub fn request(
    address: SocketAddr,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> io::Result<Response> {
    let mut head = format!("{method} {target} HTTP/1.0\r\nHost: {address}\r\n");
    for (name, value) in headers {
        write!(head, "{name}: {value}\r\n").map_err(io::Error::other)?;
    }
    if !body.is_empty() || matches!(method, "PUT" | "POST") {
        write!(head, "Content-Length: {}\r\n", body.len()).map_err(io::Error::other)?;
    }
    head.push_str("\r\n");
    exchange(address, &[head.as_bytes(), body].concat())
}

/// Sends `bytes` unchanged and reads one answer, up to the end of the connection.
///
/// # Errors
///
/// When the connection fails, no byte arrives for 30 s, or the answer has no HTTP head.
pub fn exchange(address: SocketAddr, bytes: &[u8]) -> io::Result<Response> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    stream.set_nodelay(true)?;
    // A server may answer and close before it has read everything. The answer is returned even then.
    let sent = stream.write_all(bytes);
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer);
    if answer.is_empty() {
        sent?;
        read?;
    }
    stream.shutdown(Shutdown::Both).ok();
    parse(&answer).ok_or_else(|| {
        let text = String::from_utf8_lossy(&answer);
        io::Error::new(io::ErrorKind::InvalidData, format!("no HTTP answer: `{text}`"))
    })
}

/// Percent-encodes everything but the unreserved characters of RFC 3986, for a query value or a path segment.
pub fn percent_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            write!(out, "%{byte:02X}").expect("writing into a string does not fail");
        }
    }
    out
}

fn parse(answer: &[u8]) -> Option<Response> {
    let end = find(answer, b"\r\n\r\n")?;
    let (head, rest) = answer.split_at_checked(end)?;
    let head = std::str::from_utf8(head).ok()?;
    let mut lines = head.split("\r\n");
    let mut status_line = lines.next()?.split(' ');
    if !status_line.next()?.starts_with("HTTP/1.") {
        return None;
    }
    let status = status_line.next()?.parse().ok()?;
    let headers = parse_headers(lines);
    Some(Response { status, headers, body: rest.get(4..)?.to_vec() })
}

/// Splits header lines. Names become lower case; a line without a colon is left out.
pub(crate) fn parse_headers<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<(String, String)> {
    lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
        .collect()
}

pub(crate) fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_taken_apart() {
        let answer =
            parse(b"HTTP/1.1 404 Not Found\r\nContent-Type: text/plain\r\n\r\nno such\r\n\r\npage");
        let answer = answer.expect("a head");
        assert_eq!(answer.status, 404);
        assert_eq!(answer.header("content-type"), Some("text/plain"));
        assert_eq!(answer.text(), "no such\r\n\r\npage");
    }

    #[test]
    fn what_is_no_http_is_no_answer() {
        assert_eq!(parse(b"SSH-2.0-OpenSSH\r\n\r\n"), None);
        assert_eq!(parse(b"HTTP/1.1 200"), None);
    }

    #[test]
    fn percent_encoding_leaves_only_unreserved_characters() {
        assert_eq!(percent_encode("a b+{job=\"ü\"}~"), "a%20b%2B%7Bjob%3D%22%C3%BC%22%7D~");
    }
}
