//! A thread that ends an attempt exactly when its time has come.
//!
//! The limits of a socket are not enough for that. Linux rounds those of reads up, by an eighth of
//! themselves at worst, and the limit of a write begins anew where it was done in part, so that a
//! server which reads a little now and then would hold the caller for as long as it likes.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded, select};
use ureq::Agent;

use crate::http::failure::too_long;

const THREAD_NAME: &str = "prompush-watch";

/// Watches the attempt of an agent that makes no other, until it is dropped.
#[derive(Debug)]
pub(crate) struct DeadlineGuard {
    /// Set before the connection is closed.
    timed_out: Arc<AtomicBool>,
    timeout: Duration,
    /// Dropped when the attempt is over.
    _attempt: Sender<()>,
}

impl DeadlineGuard {
    /// `interrupts` is disconnected to end the attempt early. `None` where the system gives no
    /// thread: the limits of the socket have to do then.
    pub(crate) fn start(agent: Agent, timeout: Duration, interrupts: Receiver<()>) -> Option<Self> {
        let timed_out = Arc::new(AtomicBool::new(false));
        let (attempt, over) = bounded::<()>(0);
        let watch = Self { timed_out: Arc::clone(&timed_out), timeout, _attempt: attempt };
        let work = move || {
            select! {
                recv(over) -> _ => return,
                recv(interrupts) -> _ => {}
                default(timeout) => timed_out.store(true, Ordering::SeqCst),
            }
            agent.shutdown();
        };
        thread::Builder::new().name(THREAD_NAME.to_owned()).spawn(work).ok().map(|_| watch)
    }

    /// Whether the attempt's time has come.
    pub(crate) fn timed_out(&self) -> bool {
        self.timed_out.load(Ordering::SeqCst)
    }

    fn error(&self) -> io::Error {
        io::Error::new(io::ErrorKind::TimedOut, too_long(self.timeout))
    }
}

/// The body of an answer, under the same watch as the request was.
pub(crate) struct GuardedBody<R> {
    pub(crate) body: R,
    pub(crate) watch: Option<DeadlineGuard>,
}

impl<R: Read> Read for GuardedBody<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let result = self.body.read(buf);
        match &self.watch {
            // A connection that is closed here may look like the end of the body.
            Some(watch) if watch.timed_out() && !matches!(result, Ok(1..)) => Err(watch.error()),
            _ => result,
        }
    }
}
