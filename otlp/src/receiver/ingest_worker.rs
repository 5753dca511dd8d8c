//! The worker behind the queue: decodes and ingests exports, and notices processes that end.

use std::collections::BTreeSet;
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, Sender, TrySendError};
use parking_lot::Mutex;
use prompush_core::clock::Clock;
use prompush_http_server::content_coding::{self, ContentCoding};

use crate::decode::Export;
use crate::receiver::event_queue::{ConnectionEvent, EventReceiver, MetricsRequest};
use crate::receiver::instance_table::{IngestOutcome, InstanceTable, ReceivedExport};
use crate::receiver::receiver_metrics::ReceiverMetrics;

/// Most notices about drops that are logged, over all instances.
const LOGGED_NOTICES_MAX: usize = 1000;

/// Ingests what the queue delivers.
pub(crate) struct IngestWorker {
    table: Arc<Mutex<InstanceTable>>,
    clock: Arc<dyn Clock>,
    /// When the worker was created: the zero of the times that the table gets.
    start: Instant,
    metrics: ReceiverMetrics,
    /// Largest body after decompression, in bytes.
    body_bytes_max: usize,
    /// Wakes whoever waits for a change: an instance is new, has ended, or seems to be ending.
    changes: Sender<()>,
    /// Whether an undecodable body was logged. Only the first one is.
    has_logged_undecodable: bool,
    /// The notices about drops that were logged.
    logged_notices: BTreeSet<String>,
}

impl IngestWorker {
    pub(crate) fn new(
        table: Arc<Mutex<InstanceTable>>,
        clock: Arc<dyn Clock>,
        metrics: ReceiverMetrics,
        body_bytes_max: usize,
        changes: Sender<()>,
    ) -> Self {
        Self {
            table,
            start: clock.now(),
            clock,
            metrics,
            body_bytes_max,
            changes,
            has_logged_undecodable: false,
            logged_notices: BTreeSet::new(),
        }
    }

    /// Works until every sender of the queue is gone.
    pub(crate) fn run(mut self, events: &EventReceiver) {
        loop {
            let until_check = self.table.lock().until_next_check(self.elapsed());
            match events.receive(until_check, |event| self.handle(event)) {
                Ok(()) | Err(RecvTimeoutError::Timeout) => self.check_processes(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// The time since the worker was created.
    fn elapsed(&self) -> Duration {
        self.clock.now().duration_since(self.start)
    }

    fn handle(&mut self, event: ConnectionEvent) {
        match event {
            ConnectionEvent::Connected(connection, process) => {
                self.table.lock().connected(&connection, process);
            }
            ConnectionEvent::Disconnected(connection) => {
                let now = self.elapsed();
                if self.table.lock().disconnected(connection, now) {
                    self.notify();
                }
            }
            ConnectionEvent::Metrics(request) => self.ingest(&request),
        }
    }

    fn ingest(&mut self, request: &MetricsRequest) {
        let export = match self.decode(request) {
            Ok(export) => export,
            Err(error) => {
                self.metrics.bodies_undecodable.inc();
                if !std::mem::replace(&mut self.has_logged_undecodable, true) {
                    log::warn!("a body is dropped, and others like it will be: {error}");
                }
                return;
            }
        };
        let received = ReceivedExport {
            connection: &request.connection,
            path_prefix: request.path_prefix.as_deref(),
            export: &export,
        };
        let wall = self.clock.wall();
        let mut table = self.table.lock();
        let instances = table.running();
        let outcome = table.ingest(&received, wall);
        let is_new = table.running() > instances;
        drop(table);
        self.count(outcome);
        if is_new {
            self.notify();
        }
    }

    fn decode(&self, request: &MetricsRequest) -> Result<Export, Box<dyn Error>> {
        let coding = ContentCoding::from_header(request.content_encoding.as_deref())?;
        let body = content_coding::decode(coding, &request.body, self.body_bytes_max)?;
        Ok(Export::decode(body)?)
    }

    fn count(&mut self, outcome: IngestOutcome) {
        match outcome {
            IngestOutcome::Ingested(ingested) => {
                let count = |points| u64::try_from(points).unwrap_or(u64::MAX);
                self.metrics.points_taken.inc_by(count(ingested.taken));
                self.metrics.points_dropped.inc_by(count(ingested.dropped));
                for notice in ingested.notices {
                    self.log_once(notice.to_string());
                }
            }
            IngestOutcome::Empty => {}
            IngestOutcome::TooManyInstances => self.metrics.bodies_too_many_instances.inc(),
        }
    }

    /// Logs a notice, unless another instance gave the same one.
    fn log_once(&mut self, notice: String) {
        if self.logged_notices.len() < LOGGED_NOTICES_MAX && !self.logged_notices.contains(&notice)
        {
            log::info!("{notice}");
            self.logged_notices.insert(notice);
        }
    }

    fn check_processes(&self) {
        let mut table = self.table.lock();
        let before = table.running();
        if table.check_processes(self.elapsed()) {
            let ended = before.saturating_sub(table.running());
            self.metrics.instances_ended.inc_by(u64::try_from(ended).unwrap_or(0));
            self.notify();
        }
        #[expect(clippy::cast_precision_loss, reason = "thousands at most")]
        self.metrics.instances.set(table.running() as f64);
    }

    fn notify(&self) {
        match self.changes.try_send(()) {
            // A full channel already holds a wake-up; a disconnected one has no listener left.
            Ok(()) | Err(TrySendError::Full(()) | TrySendError::Disconnected(())) => {}
        }
    }
}
