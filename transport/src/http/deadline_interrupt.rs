//! A thread that ends one request exactly when its time is over.
//!
//! The timeouts of a socket are not enough for that. Linux rounds a read timeout up, by an eighth of
//! it at worst. A write timeout starts anew after each partial write, so that a server which reads a
//! few bytes now and then would hold the caller as long as it likes.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded, select};
use ureq::Agent;

use crate::http::failure::too_long;

const THREAD_NAME: &str = "prompush-watch";

/// Ends the request of an agent at its deadline. Dropping the guard ends the thread.
#[derive(Debug)]
pub(crate) struct DeadlineGuard {
    /// Set before the connection is closed, so that whoever sees the closed connection also sees why.
    timed_out: Arc<AtomicBool>,
    timeout: Duration,
    /// Never sent on: dropping it tells the thread that the request is over.
    _request: Sender<()>,
}

impl DeadlineGuard {
    /// Guards the next request of `agent`, which must make no other one.
    ///
    /// The request also ends when the sender of `interrupts` is dropped. Returns `None` when the
    /// system starts no thread; then only the timeouts of the socket apply.
    pub(crate) fn start(agent: Agent, timeout: Duration, interrupts: Receiver<()>) -> Option<Self> {
        let timed_out = Arc::new(AtomicBool::new(false));
        let (request, request_over) = bounded::<()>(0);
        let guard = Self { timed_out: Arc::clone(&timed_out), timeout, _request: request };
        let work = move || {
            select! {
                recv(request_over) -> _ => return,
                recv(interrupts) -> _ => {}
                default(timeout) => timed_out.store(true, Ordering::SeqCst),
            }
            agent.shutdown();
        };
        thread::Builder::new().name(THREAD_NAME.to_owned()).spawn(work).ok().map(|_| guard)
    }

    /// Whether the request was ended at its deadline.
    pub(crate) fn timed_out(&self) -> bool {
        self.timed_out.load(Ordering::SeqCst)
    }

    fn error(&self) -> io::Error {
        io::Error::new(io::ErrorKind::TimedOut, too_long(self.timeout))
    }
}

/// The body of a response, read under the guard that its request was sent under.
pub(crate) struct GuardedBody<R> {
    pub(crate) body: R,
    pub(crate) guard: Option<DeadlineGuard>,
}

impl<R: Read> Read for GuardedBody<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let result = self.body.read(buf);
        match &self.guard {
            // A connection that the guard has closed may look like the end of the body.
            Some(guard) if guard.timed_out() && !matches!(result, Ok(1..)) => Err(guard.error()),
            _ => result,
        }
    }
}
