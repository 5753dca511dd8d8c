//! A request that a client sent.

use std::io::{self, BufRead, Read as _};

use crate::http;

/// The largest head and the largest body that a scripted server reads, in bytes: far more than tests send.
const HEAD_BYTES_MAX: u64 = 1 << 20;
const BODY_BYTES_MAX: u64 = 1 << 28;

/// A request as a [`ScriptedServer`](crate::ScriptedServer) read it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RecordedRequest {
    /// The number of the connection, from 0. Two requests with the same number shared a connection.
    pub connection: usize,
    /// `PUT`, `POST`, …
    pub method: String,
    /// The path and query, as they stand on the request line.
    pub target: String,
    /// The headers in the order of arrival, with names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body with its chunks joined. Empty when the script closed the connection before the body.
    pub body: Vec<u8>,
}

impl RecordedRequest {
    /// The first header with that name. `name` is in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// The body as text. Bytes that are not UTF-8 are replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Reads the request line and the headers. Returns `None` when the client closed the connection before the request
    /// line.
    pub(crate) fn read_head(
        reader: &mut impl BufRead,
        connection: usize,
    ) -> io::Result<Option<Self>> {
        let mut reader = reader.take(HEAD_BYTES_MAX);
        let line = read_line(&mut reader)?;
        let mut words = line.split(' ');
        let (Some(method), Some(target)) = (words.next(), words.next()) else { return Ok(None) };
        let (method, target) = (method.to_owned(), target.to_owned());
        let mut lines = Vec::new();
        loop {
            let line = read_line(&mut reader)?;
            if line.is_empty() {
                break;
            }
            lines.push(line);
        }
        let headers = http::parse_headers(lines.iter().map(String::as_str));
        Ok(Some(Self { connection, method, target, headers, body: Vec::new() }))
    }

    /// Reads the body that the headers announce.
    pub(crate) fn read_body(&mut self, reader: &mut impl BufRead) -> io::Result<()> {
        if self
            .header("transfer-encoding")
            .is_some_and(|value| value.eq_ignore_ascii_case("chunked"))
        {
            while self.read_chunk(reader)? {}
            return Ok(());
        }
        let length =
            self.header("content-length").unwrap_or("0").parse().map_err(io::Error::other)?;
        read_exactly(reader, length, &mut self.body)
    }

    /// Reads one chunk into the body. Returns whether another chunk may follow.
    fn read_chunk(&mut self, reader: &mut impl BufRead) -> io::Result<bool> {
        let line = read_line(reader)?;
        let size = line.split(';').next().unwrap_or_default().trim();
        let size = u64::from_str_radix(size, 16).map_err(io::Error::other)?;
        read_exactly(reader, size, &mut self.body)?;
        read_line(reader)?; // after the chunk, or the end of the (empty) trailer
        Ok(size > 0)
    }
}

fn read_line(reader: &mut impl BufRead) -> io::Result<String> {
    let mut line = Vec::new();
    reader.take(HEAD_BYTES_MAX).read_until(b'\n', &mut line)?;
    while line.pop_if(|byte| matches!(byte, b'\r' | b'\n')).is_some() {}
    Ok(String::from_utf8_lossy(&line).into_owned())
}

fn read_exactly(reader: &mut impl BufRead, length: u64, body: &mut Vec<u8>) -> io::Result<()> {
    let read = reader.take(length.min(BODY_BYTES_MAX)).read_to_end(body)?;
    if u64::try_from(read).is_ok_and(|read| read == length) {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the body ends before its announced length"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn read(bytes: &[u8]) -> RecordedRequest {
        let mut reader = bytes;
        let mut request =
            RecordedRequest::read_head(&mut reader, 0).expect("readable").expect("a request");
        request.read_body(&mut reader).expect("a whole body");
        request
    }

    #[test]
    fn a_body_with_a_length_is_read() {
        let request = read(b"PUT /metrics/job/x HTTP/1.1\r\nContent-Length: 4\r\n\r\na 1\nrest");
        assert_eq!((request.method.as_str(), request.target.as_str()), ("PUT", "/metrics/job/x"));
        assert_eq!(request.text(), "a 1\n");
    }

    #[test]
    fn chunks_are_joined() {
        let request = read(
            b"PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\na \r\n2;x=y\r\n1\n\r\n0\r\n\r\n",
        );
        assert_eq!(request.text(), "a 1\n");
    }

    #[test]
    fn a_connection_without_a_request_is_none() {
        assert_eq!(RecordedRequest::read_head(&mut &b""[..], 0).expect("readable"), None);
    }
}
