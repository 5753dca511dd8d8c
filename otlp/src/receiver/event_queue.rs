//! The queue between the threads that answer requests and the worker that ingests them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use prompush_http_server::Connection;

use crate::receiver::process_identity::ProcessIdentity;
use crate::receiver::receiver_metrics::ReceiverMetrics;

/// The bytes that each body in the queue counts in addition to its own.
const BODY_OVERHEAD_BYTES: usize = 1024;

/// An event on a connection.
pub(crate) enum ConnectionEvent {
    /// A client connected; its process, if it was found at once.
    Connected(Connection, Option<ProcessIdentity>),
    Metrics(MetricsRequest),
    /// The connection with that number was closed.
    Disconnected(u64),
}

/// A request with metrics, not yet decoded.
pub(crate) struct MetricsRequest {
    pub(crate) connection: Connection,
    /// The path before `/v1/metrics`, without slashes around it.
    pub(crate) path_prefix: Option<String>,
    pub(crate) content_encoding: Option<String>,
    pub(crate) body: Vec<u8>,
}

/// The sending end of the queue. Sending never waits.
pub(crate) struct EventSender {
    events: Sender<ConnectionEvent>,
    bytes: Arc<AtomicUsize>,
    bytes_max: usize,
    metrics: ReceiverMetrics,
}

/// The receiving end of the queue.
pub(crate) struct EventReceiver {
    events: Receiver<ConnectionEvent>,
    /// The bytes in the queue and in work. `Relaxed` is enough: the number orders nothing else.
    bytes: Arc<AtomicUsize>,
}

/// Creates a queue that holds at most `bytes_max` bytes of bodies.
pub(crate) fn event_queue(
    bytes_max: usize,
    metrics: ReceiverMetrics,
) -> (EventSender, EventReceiver) {
    let (sender, receiver) = crossbeam_channel::unbounded();
    let bytes = Arc::new(AtomicUsize::new(0));
    let sender = EventSender { events: sender, bytes: Arc::clone(&bytes), bytes_max, metrics };
    (sender, EventReceiver { events: receiver, bytes })
}

impl EventSender {
    /// Queues an event. A body for which there is no room is dropped and counted.
    ///
    /// Events without a body need no limit: the HTTP server limits the number of connections.
    pub(crate) fn send(&self, event: ConnectionEvent) {
        let bytes = event.bytes();
        let before = self.bytes.fetch_add(bytes, Ordering::Relaxed);
        let has_room = bytes == 0 || before + bytes <= self.bytes_max;
        let is_sent = has_room && self.events.send(event).is_ok();
        if !is_sent {
            self.bytes.fetch_sub(bytes, Ordering::Relaxed);
            if bytes > 0 {
                self.metrics.bodies_queue_full.inc();
            }
        }
    }
}

impl EventReceiver {
    /// Waits for an event for `within` at most, and passes it to `handle`. The event counts as
    /// queued until `handle` returns.
    ///
    /// # Errors
    /// `Timeout` when no event came, `Disconnected` when no sender is left.
    pub(crate) fn receive(
        &self,
        within: Duration,
        handle: impl FnOnce(ConnectionEvent),
    ) -> Result<(), RecvTimeoutError> {
        let event = self.events.recv_timeout(within)?;
        let bytes = event.bytes();
        handle(event);
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        Ok(())
    }
}

impl ConnectionEvent {
    /// How many bytes the event counts in the queue; 0 for an event without a body.
    fn bytes(&self) -> usize {
        match self {
            Self::Metrics(request) => request.body.len() + BODY_OVERHEAD_BYTES,
            Self::Connected(..) | Self::Disconnected(_) => 0,
        }
    }
}
