//! The receiver: a server, a worker and a forwarder, each on a thread of its own.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crossbeam_channel::bounded;
use parking_lot::Mutex;
use prompush::Registry;
use prompush_core::clock::{Clock, SystemClock};
use prompush_http_server::{HttpServer, Limits, ServeError, ShutdownHandle};

use crate::host_name::host_name;
use crate::receiver::config::ReceiverConfig;
use crate::receiver::error::ReceiverError;
use crate::receiver::event_queue::event_queue;
use crate::receiver::handler::OtlpHandler;
use crate::receiver::ingest_worker::IngestWorker;
use crate::receiver::instance_table::InstanceTable;
use crate::receiver::open_connections::OpenConnections;
use crate::receiver::port_holder::PortHolder;
use crate::receiver::receiver_metrics::ReceiverMetrics;
use crate::receiver::snapshot::InstanceSnapshot;
use crate::receiver::system_processes::SystemProcesses;
use crate::receiver::traces_forwarder::TracesForwarder;

/// Name of the thread that answers requests.
const SERVER_THREAD_NAME: &str = "prompush-otlp";
/// Name of the thread that decodes and ingests.
const WORKER_THREAD_NAME: &str = "prompush-ingest";

/// How long a stop waits for clients that are ending to close their connections.
const LAST_REQUESTS_TIMEOUT: Duration = Duration::from_millis(250);

/// How long a connection may stay open without a request. Programs usually send metrics every ten
/// seconds, but traces only when there are any, and an exporter that finds its connection closed
/// may print an error.
const IDLE_CONNECTION_TIMEOUT: Duration = Duration::from_hours(1);

/// Most connections open at once. An exporter of metrics and traces has two.
const CONNECTIONS_MAX: usize = 4096;

/// Most bytes of all requests that are being read. A request that was read is handed on at once.
const REQUESTS_BYTES_MAX: usize = 1 << 30;

/// How long dropping a receiver waits at most.
const DROP_TIMEOUT: Duration = Duration::from_secs(2);

/// A running receiver. Dropping it stops it, which takes at most two seconds.
pub struct OtlpReceiver {
    address: SocketAddr,
    table: Arc<Mutex<InstanceTable>>,
    metrics: ReceiverMetrics,
    clock: Arc<dyn Clock>,
    /// Receives a wake-up when an instance is new, has ended, or seems to be ending.
    changes: crossbeam_channel::Receiver<()>,
    shutdown: ShutdownHandle,
    open_connections: Arc<OpenConnections>,
    forwarder: Option<Arc<Mutex<TracesForwarder>>>,
    is_stopped: AtomicBool,
    /// Closed when the server has ended.
    server_ended: crossbeam_channel::Receiver<()>,
    /// Closed when the worker has processed everything that the server handed on.
    worker_ended: crossbeam_channel::Receiver<()>,
}

impl std::fmt::Debug for OtlpReceiver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OtlpReceiver").field("address", &self.address).finish_non_exhaustive()
    }
}

impl OtlpReceiver {
    /// Binds `listen` and starts to answer requests. `127.0.0.1:4318` is the usual address;
    /// `127.0.0.1:0` takes a free port.
    ///
    /// # Errors
    ///
    /// [`ReceiverError`] when the address cannot be bound, or a thread cannot be started.
    pub fn bind(listen: &str, config: ReceiverConfig) -> Result<Self, ReceiverError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let metrics = ReceiverMetrics::new().map_err(ReceiverError::Metrics)?;
        let (mode, processes) = (config.instance_mode, Box::new(SystemProcesses));
        let (instances_max, rules) = (config.instances_max, config.rules);
        let table = InstanceTable::new(mode, host_name(), instances_max, rules, processes);
        let table = Arc::new(Mutex::new(table));
        let (changed, changes) = bounded(1);
        let worker = IngestWorker::new(
            Arc::clone(&table),
            Arc::clone(&clock),
            metrics.clone(),
            config.body_bytes_max,
            changed,
        );
        let (sender, events) = event_queue(config.metrics_bytes_max, metrics.clone());
        let forwarder = config.traces_to.map(|target| {
            let (config, bytes_max) = (&config.traces_config, config.traces_bytes_max);
            let forwarder = TracesForwarder::start(target, config, bytes_max, metrics.clone())?;
            Ok(Arc::new(Mutex::new(forwarder)))
        });
        let forwarder = forwarder.transpose()?;
        let open_connections = Arc::new(OpenConnections::default());
        let handler = OtlpHandler {
            events: sender,
            forwarder: forwarder.clone(),
            metrics: metrics.clone(),
            open_connections: Arc::clone(&open_connections),
            instance_mode: mode,
        };
        let server =
            HttpServer::bind(&[listen.to_owned()], limits(), handler).map_err(bind_error)?;
        let address = server.addresses().first().copied();
        let address = address.ok_or(ReceiverError::Serve(ServeError::NoAddress))?;
        let shutdown = server.shutdown_handle();
        let server_ended = start_thread(SERVER_THREAD_NAME, move || {
            if let Err(error) = server.run() {
                log::error!("the receiver of OTLP has ended: {error}");
            }
        })?;
        let worker_ended = start_thread(WORKER_THREAD_NAME, move || worker.run(&events))?;
        Ok(Self {
            address,
            table,
            metrics,
            clock,
            changes,
            shutdown,
            open_connections,
            forwarder,
            is_stopped: AtomicBool::new(false),
            server_ended,
            worker_ended,
        })
    }

    /// The address that the receiver listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The endpoint URL to configure in a program on this machine, such as `http://127.0.0.1:4318`.
    pub fn endpoint(&self) -> String {
        let mut address = self.address;
        if address.ip().is_unspecified() {
            address.set_ip(match address {
                SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
            });
        }
        format!("http://{address}")
    }

    /// Waits until an instance is new, has ended, or has lost its last connection, for `within` at
    /// most. Returns whether that happened.
    pub fn wait(&self, within: Duration) -> bool {
        self.changes.recv_timeout(within).is_ok()
    }

    /// All instances, in the order in which they were first seen.
    ///
    /// An instance that has ended is returned once, with `has_ended` set. `is_changed` tells what
    /// has changed since the previous call.
    pub fn instances(&self) -> Vec<InstanceSnapshot> {
        self.table.lock().snapshots()
    }

    /// The receiver's own metrics, `prompush_receiver_…`: what it received, dropped and forwarded.
    pub fn metrics(&self) -> &Registry {
        &self.metrics.registry
    }

    /// Stops listening, answers the requests that are being read, ingests everything received, and
    /// forwards the traces that wait: within `within` in total. Afterwards,
    /// [`instances`](Self::instances) returns the final state.
    ///
    /// First, the receiver waits up to 250 ms for clients to close their connections: what a client
    /// sent just before its end may still be on its way.
    pub fn stop(&self, within: Duration) {
        let deadline = self.clock.deadline(within);
        let left = || deadline.saturating_duration_since(self.clock.now());
        self.receive_to_the_end(within);
        if let Some(forwarder) = &self.forwarder {
            forwarder.lock().stop(left());
        }
    }

    /// The first half of a [`stop`](Self::stop), for a caller that does not want to wait for traces:
    /// stops listening, answers the requests that are being read, and ingests everything received,
    /// within `within`. Forwarding of traces continues, with one attempt each, until
    /// [`stop_forwarding`](Self::stop_forwarding).
    pub fn stop_receiving(&self, within: Duration) {
        self.receive_to_the_end(within);
        if let Some(forwarder) = &self.forwarder {
            forwarder.lock().stop_retrying();
        }
    }

    /// The second half: waits until all traces are forwarded.
    ///
    /// The remaining traces are dropped and counted as soon as `within` has passed, `is_cut_short`
    /// returns true (it is called every 10 ms), the target fails, or the target has not answered
    /// for half a second. After a failed attempt, that patience is 50 ms.
    pub fn stop_forwarding(&self, within: Duration, is_cut_short: &dyn Fn() -> bool) {
        if let Some(forwarder) = &self.forwarder {
            forwarder.lock().finish_or_abandon(within, is_cut_short);
        }
    }

    fn receive_to_the_end(&self, within: Duration) {
        if self.is_stopped.swap(true, Ordering::AcqRel) {
            return;
        }
        let deadline = self.clock.deadline(within);
        let left = || deadline.saturating_duration_since(self.clock.now());
        self.open_connections.wait_until_none(LAST_REQUESTS_TIMEOUT.min(left()));
        self.shutdown.shutdown();
        // A closed channel means that the thread has ended. Both that and a timeout are errors, and
        // both mean to go on.
        self.server_ended.recv_timeout(left()).ok();
        self.worker_ended.recv_timeout(left()).ok();
    }
}

impl Drop for OtlpReceiver {
    fn drop(&mut self) {
        self.stop(DROP_TIMEOUT);
    }
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.connections_max = CONNECTIONS_MAX;
    limits.header_timeout = IDLE_CONNECTION_TIMEOUT;
    limits.bodies_bytes_max = REQUESTS_BYTES_MAX;
    limits.shutdown_timeout = Duration::from_secs(1);
    limits
}

/// Runs `work` on a thread. The returned channel is closed when `work` has returned.
fn start_thread(
    name: &str,
    work: impl FnOnce() + Send + 'static,
) -> Result<crossbeam_channel::Receiver<()>, ReceiverError> {
    let (running, ended) = bounded::<()>(0);
    let work = move || {
        work();
        drop(running);
    };
    thread::Builder::new().name(name.to_owned()).spawn(work).map_err(ReceiverError::Thread)?;
    Ok(ended)
}

/// Adds the process that listens on the address already to the error of the server.
fn bind_error(error: ServeError) -> ReceiverError {
    match error {
        ServeError::Listen { address, source } => {
            let is_taken = source.kind() == io::ErrorKind::AddrInUse;
            let resolved =
                address.to_socket_addrs().ok().and_then(|mut addresses| addresses.next());
            let holder = resolved.filter(|_| is_taken).and_then(|at| PortHolder::of(at.port()));
            ReceiverError::Listen { address, holder, source }
        }
        error => ReceiverError::Serve(error),
    }
}
