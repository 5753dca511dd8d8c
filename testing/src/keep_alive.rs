//! An HTTP/1.1 client that keeps its connection open, as exporters of telemetry do.

use std::fmt::Write as _;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::http::{Response, parse_headers};

/// The longest wait for an answer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A connection that carries one request after another.
#[derive(Debug)]
pub struct KeepAlive {
    stream: BufReader<TcpStream>,
}

impl KeepAlive {
    /// Connects to a server.
    ///
    /// # Errors
    ///
    /// When no server listens at the address.
    pub fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    /// Posts a body and reads the answer.
    ///
    /// # Errors
    ///
    /// As [`request`](Self::request).
    pub fn post(
        &mut self,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Response> {
        self.request("POST", target, headers, body)
    }

    /// Sends a request and reads the answer, which has to have a `Content-Length`.
    ///
    /// # Errors
    ///
    /// When the connection fails, or no complete answer arrives within 30 s.
    pub fn request(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Response> {
        let mut head =
            format!("{method} {target} HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n");
        for (name, value) in headers {
            write!(head, "{name}: {value}\r\n").map_err(io::Error::other)?;
        }
        write!(head, "Content-Length: {}\r\n\r\n", body.len()).map_err(io::Error::other)?;
        self.stream.get_mut().write_all(&[head.as_bytes(), body].concat())?;
        self.read_answer()
    }

    fn read_answer(&mut self) -> io::Result<Response> {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if self.stream.read_line(&mut head)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok());
        let status = status.ok_or_else(|| io::Error::other(format!("no HTTP answer: `{head}`")))?;
        let headers = parse_headers(lines);
        let response = Response { status, headers, body: Vec::new() };
        let length = response.header("content-length").and_then(|it| it.parse().ok()).unwrap_or(0);
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok(Response { body, ..response })
    }
}
