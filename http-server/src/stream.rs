//! A TCP stream that remembers a request's head and gives up on a client that does not read.

use std::cell::RefCell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

/// The bytes read since the last answer, until the head of the next request is complete.
///
/// The HTTP library drops a `Content-Length` that comes with a `Transfer-Encoding`,
/// so that only the bytes show that both were there.
#[derive(Debug)]
pub(super) struct HeadTap {
    /// None while a request is in work.
    bytes: RefCell<Option<Vec<u8>>>,
    bytes_max: usize,
}

impl HeadTap {
    pub(super) fn new(bytes_max: usize) -> Rc<Self> {
        Rc::new(Self { bytes: RefCell::new(Some(Vec::new())), bytes_max })
    }

    /// Ends recording: the head of a request is complete.
    pub(super) fn take(&self) -> Vec<u8> {
        self.bytes.borrow_mut().take().unwrap_or_default()
    }

    /// Begins recording: an answer is ready, what comes next is a head.
    pub(super) fn record(&self) {
        *self.bytes.borrow_mut() = Some(Vec::new());
    }

    fn push(&self, read: &[u8]) {
        if let Some(bytes) = self.bytes.borrow_mut().as_mut() {
            let room = self.bytes_max.saturating_sub(bytes.len()).min(read.len());
            bytes.extend_from_slice(read.get(..room).unwrap_or_default());
        }
    }
}

/// Whether a head that has a `Transfer-Encoding` also has a `Content-Length`, or may have:
/// a head of which not all was recorded, because it came together with the request before it, counts as one that has.
pub(super) fn head_has_content_length(head: &[u8], method: &str) -> bool {
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

/// A client's stream.
#[derive(Debug)]
pub(super) struct ClientStream {
    stream: TcpStream,
    tap: Rc<HeadTap>,
    write_idle_timeout: Duration,
    /// When to give up on the client; set while it takes nothing.
    write_deadline: Option<Pin<Box<Sleep>>>,
}

impl ClientStream {
    pub(super) fn new(stream: TcpStream, tap: Rc<HeadTap>, write_idle_timeout: Duration) -> Self {
        Self { stream, tap, write_idle_timeout, write_deadline: None }
    }

    /// Turns "not yet" into an error once the client has taken nothing for too long.
    fn watch<T>(
        &mut self,
        context: &mut Context<'_>,
        polled: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.write_deadline = None;
            return polled;
        }
        let timeout = self.write_idle_timeout;
        let deadline =
            self.write_deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep(timeout)));
        ready!(deadline.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for ClientStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        self.tap.push(buffer.filled().get(before..).unwrap_or_default());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch(context, polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(context, slices);
        self.watch(context, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_length_in_a_head_is_seen() {
        let check = |head: &str, expected: bool| {
            assert_eq!(head_has_content_length(head.as_bytes(), "PUT"), expected, "{head:?}");
        };
        check("PUT / HTTP/1.1\r\nHost: x\r\n\r\nContent-Length: 5\r\n", false);
        check("\r\nPUT / HTTP/1.1\r\nHost: x\r\n\r\n", false);
        check("PUT / HTTP/1.1\nHost: x\n\n", false);
        check("PUT / HTTP/1.1\r\nCONTENT-length : 5\r\nHost: x\r\n\r\n", true);
        check("PUT / HTTP/1.1\r\ncontent-length:5\r\n\r\n", true);
        check("PUT / HTTP/1.1\r\nHost: x\r\n", true); // not whole
        check("ontent-Type: x\r\n\r\n", true); // not whole
    }
}
