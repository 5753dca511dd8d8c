//! A copy of the bytes of the current request head.

use std::cell::RefCell;
use std::rc::Rc;

/// Records what a connection reads, from the last response until the head of the next request is complete.
///
/// The server needs the bytes because hyper hides two faults of a head that can be dangerous behind a proxy:
/// it drops a `Content-Length` that stands beside a `Transfer-Encoding`, and it cuts the target at a raw `#`.
#[derive(Debug)]
pub(crate) struct HeadRecorder {
    /// The recorded bytes. `None` while a request is being handled: bytes that arrive then belong to the body or to a
    /// later request.
    bytes: RefCell<Option<Vec<u8>>>,
    bytes_max: usize,
}

impl HeadRecorder {
    /// A recorder that has started and keeps at most `bytes_max` bytes of a head.
    pub(crate) fn new(bytes_max: usize) -> Rc<Self> {
        Rc::new(Self { bytes: RefCell::new(Some(Vec::new())), bytes_max })
    }

    /// Starts recording. Called when a response is complete, so the next bytes are a head.
    pub(crate) fn start(&self) {
        *self.bytes.borrow_mut() = Some(Vec::new());
    }

    /// Stops recording and returns the bytes. Called when the head of a request is complete.
    pub(crate) fn stop(&self) -> Vec<u8> {
        self.bytes.borrow_mut().take().unwrap_or_default()
    }

    /// Keeps the bytes that the connection has read, if the recorder has started.
    pub(crate) fn record(&self, read: &[u8]) {
        if let Some(bytes) = self.bytes.borrow_mut().as_mut() {
            let kept = self.bytes_max.saturating_sub(bytes.len()).min(read.len());
            bytes.extend_from_slice(read.get(..kept).unwrap_or_default());
        }
    }
}
