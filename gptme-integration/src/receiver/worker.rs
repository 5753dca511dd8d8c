//! What is done with metrics behind the answer: decoding, absorbing, and looking after processes.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TrySendError};
use parking_lot::Mutex;
use prompush_core::clock::Clock;
use prompush_http_server::Connection;

use super::instances::{Arrival, Table, Taken};
use super::metrics::Metrics;
use super::process::Process;
use crate::otlp::Export;

/// What a body in the queue is reckoned to take besides its bytes.
const BODY_OVERHEAD_BYTES: usize = 1024;

/// Most different things that are said to be dropped.
const NAMED_MAX: usize = 1000;

/// What the answering side saw.
pub(super) enum Event {
    /// A client, and its process if that was found out.
    Connected(Connection, Option<Process>),
    Metrics(MetricsBody),
    Disconnected(u64),
}

/// A request with metrics, as it came.
pub(super) struct MetricsBody {
    pub(super) connection: Connection,
    /// What stands before `/v1/metrics` in the path, without slashes around it.
    pub(super) prefix: Option<String>,
    pub(super) content_encoding: Option<String>,
    pub(super) body: Vec<u8>,
}

/// The answering side's end of the queue. Sending never waits.
pub(super) struct Queue {
    events: Sender<Event>,
    bytes: Arc<AtomicUsize>,
    bytes_max: usize,
    metrics: Metrics,
}

/// The thread behind the queue.
pub(super) struct Worker {
    pub(super) table: Arc<Mutex<Table>>,
    pub(super) clock: Arc<dyn Clock>,
    /// When the worker was made.
    start: Instant,
    pub(super) metrics: Metrics,
    /// Largest body when decompressed, in bytes.
    pub(super) body_bytes_max: usize,
    /// Rings when an instance is new, has ended, or seems to.
    pub(super) bell: Sender<()>,
    events: Receiver<Event>,
    /// Bytes in the queue. It guards nothing: `Relaxed` is enough.
    bytes: Arc<AtomicUsize>,
    /// Whether it was said that a body cannot be decoded.
    has_complained: bool,
    /// What was said to be dropped.
    named: BTreeSet<String>,
}

impl Queue {
    /// Drops and counts metrics that the worker does not keep up with.
    ///
    /// Connections are not limited here: a host has only so many.
    pub(super) fn send(&self, event: Event) {
        let bytes = event.bytes();
        let before = self.bytes.fetch_add(bytes, Ordering::Relaxed);
        let has_room = bytes == 0 || before + bytes <= self.bytes_max;
        let is_sent = has_room && self.events.send(event).is_ok();
        if !is_sent {
            self.bytes.fetch_sub(bytes, Ordering::Relaxed);
            if bytes > 0 {
                self.metrics.points_queue_full.inc();
            }
        }
    }
}

impl Event {
    /// What it is reckoned to take; 0 for what is not limited.
    fn bytes(&self) -> usize {
        match self {
            Self::Metrics(metrics) => metrics.body.len() + BODY_OVERHEAD_BYTES,
            Self::Connected(..) | Self::Disconnected(_) => 0,
        }
    }
}

/// What a worker is made of.
pub(super) struct Parts {
    pub(super) table: Arc<Mutex<Table>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) metrics: Metrics,
    pub(super) body_bytes_max: usize,
    pub(super) queue_bytes_max: usize,
    pub(super) bell: Sender<()>,
}

impl Worker {
    /// A worker and the queue before it.
    pub(super) fn new(parts: Parts) -> (Self, Queue) {
        let (sender, events) = crossbeam_channel::unbounded();
        let bytes = Arc::new(AtomicUsize::new(0));
        let Parts { table, clock, metrics, body_bytes_max, queue_bytes_max, bell } = parts;
        let queue = Queue {
            events: sender,
            bytes: Arc::clone(&bytes),
            bytes_max: queue_bytes_max,
            metrics: metrics.clone(),
        };
        let worker = Self {
            table,
            start: clock.now(),
            clock,
            metrics,
            body_bytes_max,
            bell,
            events,
            bytes,
            has_complained: false,
            named: BTreeSet::new(),
        };
        (worker, queue)
    }

    /// Time since the worker was made.
    fn elapsed(&self) -> Duration {
        self.clock.now().duration_since(self.start)
    }

    /// Works until every sender of the queue is gone.
    pub(super) fn run(mut self) {
        loop {
            let until_look = self.table.lock().time_to_look(self.elapsed());
            match self.events.recv_timeout(until_look) {
                Ok(event) => {
                    let bytes = event.bytes();
                    self.perform(event);
                    self.bytes.fetch_sub(bytes, Ordering::Relaxed);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.look();
        }
    }

    fn perform(&mut self, event: Event) {
        match event {
            Event::Connected(connection, process) => {
                self.table.lock().connected(&connection, process);
            }
            Event::Disconnected(connection) => {
                let now = self.elapsed();
                if self.table.lock().disconnected(connection, now) {
                    self.ring();
                }
            }
            Event::Metrics(body) => self.absorb(&body),
        }
    }

    fn absorb(&mut self, body: &MetricsBody) {
        let encoding = body.content_encoding.as_deref();
        let export = match Export::decode(&body.body, encoding, self.body_bytes_max) {
            Ok(export) => export,
            Err(error) => {
                self.metrics.undecodable.inc();
                if !std::mem::replace(&mut self.has_complained, true) {
                    log::warn!("a body is dropped, and others like it will be: {error}");
                }
                return;
            }
        };
        let prefix = body.prefix.as_deref();
        let arrival = Arrival { connection: &body.connection, prefix, export: &export };
        let wall = self.clock.wall();
        let mut table = self.table.lock();
        let instances = table.len();
        let taken = table.absorb(&arrival, wall);
        let is_new = table.len() > instances;
        drop(table);
        self.count(taken);
        if is_new {
            self.ring();
        }
    }

    fn count(&mut self, taken: Taken) {
        match taken {
            Taken::Absorbed(absorbed) => {
                let count = |points| u64::try_from(points).unwrap_or(u64::MAX);
                self.metrics.points_taken.inc_by(count(absorbed.taken));
                self.metrics.points_dropped.inc_by(count(absorbed.dropped));
                for news in absorbed.news {
                    self.name_once(news.to_string());
                }
            }
            Taken::Empty => {}
            Taken::NoRoom => self.metrics.too_many_instances.inc(),
        }
    }

    /// Each instance names what it drops; most drop the same.
    fn name_once(&mut self, dropped: String) {
        if self.named.len() < NAMED_MAX && !self.named.contains(&dropped) {
            log::info!("{dropped}");
            self.named.insert(dropped);
        }
    }

    fn look(&self) {
        let mut table = self.table.lock();
        let before = table.len();
        if table.look(self.elapsed()) {
            let ended = before.saturating_sub(table.len());
            self.metrics.instances_ended.inc_by(u64::try_from(ended).unwrap_or(0));
            self.ring();
        }
        #[expect(clippy::cast_precision_loss, reason = "thousands at most")]
        self.metrics.instances.set(table.len() as f64);
    }

    fn ring(&self) {
        match self.bell.try_send(()) {
            // It has rung already, or nobody listens any more.
            Ok(()) | Err(TrySendError::Full(()) | TrySendError::Disconnected(())) => {}
        }
    }
}
