//! An OTLP/HTTP receiver that costs its senders nothing.
//!
//! It answers at once that everything is well, and decodes, absorbs and forwards on threads of its own:
//! gptme waits for minutes at its exit where an endpoint answers 5xx or nothing, and shows its user every 4xx.
//! Metrics become [`Snapshot`]s, one an instance, which the caller pushes; traces go on, byte for byte, to
//! the user's own endpoint, or nowhere. A [`Scraper`] makes the same of programs that serve their metrics instead.
//!
//! Invariants:
//! - No request waits for decoding, for a gateway or for a collector.
//! - Everything is bounded: what is dropped is counted.
//! - Traces are neither looked into nor logged nor kept.
//!
//! ```no_run
//! use std::time::Duration;
//! use prompush_gptme::receiver::{Receiver, ReceiverConfig};
//!
//! let receiver = Receiver::bind("127.0.0.1:0", ReceiverConfig::default())?;
//! println!("export OTLP_ENDPOINT={}", receiver.endpoint());
//! receiver.wait(Duration::from_secs(30));
//! for instance in receiver.instances() {
//!     println!("{} has ended: {}", instance.label(), instance.has_ended());
//! }
//! receiver.stop(Duration::from_secs(2));
//! # Ok::<(), prompush_gptme::receiver::ReceiverError>(())
//! ```

mod config;
mod service;
mod snapshot;

mod instances;
mod lineage;
mod process;
mod sock_diag;
mod worker;

mod traces;

mod scraper;

mod metrics;

mod error;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use crossbeam_channel::bounded;
use parking_lot::Mutex;
use prompush::Registry;
use prompush_core::clock::{Clock, SystemClock};
use prompush_http_server::ServeError;
use prompush_http_server::{HttpServer, Limits, ShutdownHandle};

pub use config::{Instances, ReceiverConfig};
pub use error::ReceiverError;
pub use scraper::Scraper;
pub use snapshot::Snapshot;

use crate::instance_name::host_name;
use crate::port_holder::PortHolder;
use instances::Table;
use metrics::Metrics;
use process::ProcFs;
use service::{Open, Service};
use traces::Forwarder;
use worker::{Parts, Worker};

/// Name of the thread that answers.
const HOST_THREAD_NAME: &str = "prompush-otlp";
/// Name of the thread that decodes and absorbs.
const WORKER_THREAD_NAME: &str = "prompush-absorb";

/// Time that clients which are ending get to end their connections, at a stop.
const LAST_REQUESTS_TIME: Duration = Duration::from_millis(250);

/// Time without a request after which a connection is closed. A program sends metrics every ten seconds, but
/// traces only when there are any: one that finds its connection closed may tell its user.
const IDLE_CONNECTION_TIME: Duration = Duration::from_hours(1);

/// Connections open at once. A gptme has two.
const CONNECTIONS_MAX: usize = 4096;

/// Bytes of all requests that are being read. What is read is handed on at once.
const REQUESTS_BYTES_MAX: usize = 1 << 30;

/// A receiver, listening. Dropping it stops it, and waits for two seconds at most.
pub struct Receiver {
    address: SocketAddr,
    table: Arc<Mutex<Table>>,
    metrics: Metrics,
    clock: Arc<dyn Clock>,
    bell: crossbeam_channel::Receiver<()>,
    shutdown: ShutdownHandle,
    open: Arc<Open>,
    forwarder: Option<Arc<Mutex<Forwarder>>>,
    is_stopped: AtomicBool,
    /// Closed when the host has ended.
    host_ended: crossbeam_channel::Receiver<()>,
    /// Closed when the worker has done everything that the host handed on.
    worker_ended: crossbeam_channel::Receiver<()>,
}

impl std::fmt::Debug for Receiver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Receiver").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Receiver {
    /// Listens on `listen`, such as `127.0.0.1:4318`, or `127.0.0.1:0` for a free port, and answers from now on.
    ///
    /// # Errors
    ///
    /// [`ReceiverError`] if the address cannot be listened on, or no thread started.
    pub fn bind(listen: &str, config: ReceiverConfig) -> Result<Self, ReceiverError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let metrics = Metrics::new().map_err(ReceiverError::Metrics)?;
        let processes = Box::new(ProcFs::new());
        let ReceiverConfig { rules, instances, instances_max, .. } = config;
        let table = Table::new(instances, host_name(), instances_max, rules, processes);
        let table = Arc::new(Mutex::new(table));
        let (ring, bell) = bounded(1);
        let (worker, queue) = Worker::new(Parts {
            table: Arc::clone(&table),
            clock: Arc::clone(&clock),
            metrics: metrics.clone(),
            body_bytes_max: config.body_bytes_max,
            queue_bytes_max: config.metrics_bytes_max,
            bell: ring,
        });
        let forwarder = config.traces_to.map(|target| {
            let (config, bytes_max) = (&config.traces_config, config.traces_bytes_max);
            let forwarder = Forwarder::start(target, config, bytes_max, metrics.clone())?;
            Ok(Arc::new(Mutex::new(forwarder)))
        });
        let forwarder = forwarder.transpose()?;
        let open = Arc::new(Open::default());
        let service = Service {
            queue,
            forwarder: forwarder.clone(),
            metrics: metrics.clone(),
            open: Arc::clone(&open),
            instances,
            processes: ProcFs::new(),
        };
        let host = HttpServer::bind(&[listen.to_owned()], limits(), service).map_err(bind_error)?;
        let address = host.addresses().first().copied();
        let address = address.ok_or(ReceiverError::Host(ServeError::NoAddress))?;
        let shutdown = host.shutdown_handle();
        let host_ended = start(HOST_THREAD_NAME, move || {
            if let Err(error) = host.run() {
                log::error!("the receiver of OTLP has ended: {error}");
            }
        })?;
        let worker_ended = start(WORKER_THREAD_NAME, move || worker.run())?;
        Ok(Self {
            address,
            table,
            metrics,
            clock,
            bell,
            shutdown,
            open,
            forwarder,
            is_stopped: AtomicBool::new(false),
            host_ended,
            worker_ended,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL for `OTLP_ENDPOINT` of a program on this machine.
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

    /// Waits until an instance is new, has ended, or lost its last connection; whether one has, before the time was over.
    pub fn wait(&self, within: Duration) -> bool {
        self.bell.recv_timeout(within).is_ok()
    }

    /// All instances, in the order in which they were first seen.
    ///
    /// Those that have ended are handed out this one time, and whether one has changed is counted from here anew.
    pub fn instances(&self) -> Vec<Snapshot> {
        self.table.lock().take()
    }

    /// The receiver's own metrics, `prompush_receiver_…`: what it got, dropped and forwarded.
    pub fn metrics(&self) -> &Registry {
        &self.metrics.registry
    }

    /// Stops listening, waits for requests in work and traces to be forwarded, and absorbs everything that was
    /// received: for `within` at most, all together. [`instances`](Self::instances) has the last state after that.
    ///
    /// A client that has just ended is heard to its end: what it sent may still be on its way here.
    pub fn stop(&self, within: Duration) {
        let deadline = self.clock.deadline(within);
        let left = || deadline.saturating_duration_since(self.clock.now());
        self.receive_to_the_end(within);
        if let Some(forwarder) = &self.forwarder {
            forwarder.lock().stop(left());
        }
    }

    /// The first half of a [`stop`](Self::stop), for who does not want to wait for traces: stops listening, waits for
    /// requests in work, and absorbs everything that was received, for `within` at most. Traces are forwarded
    /// meanwhile and afterwards, each tried once, until [`stop_forwarding`](Self::stop_forwarding).
    pub fn stop_receiving(&self, within: Duration) {
        self.receive_to_the_end(within);
        if let Some(forwarder) = &self.forwarder {
            forwarder.lock().try_no_more();
        }
    }

    /// The second half: waits until traces are forwarded. What is left is dropped and counted after `within`, as soon
    /// as `is_cut_short` says so (it is asked every 10 ms), when their target fails, and when it has answered nothing for
    /// half a second, or for 50 ms if it failed the last time.
    pub fn stop_forwarding(&self, within: Duration, is_cut_short: &dyn Fn() -> bool) {
        if let Some(forwarder) = &self.forwarder {
            forwarder.lock().stop_soon(within, is_cut_short);
        }
    }

    fn receive_to_the_end(&self, within: Duration) {
        if self.is_stopped.swap(true, Ordering::AcqRel) {
            return;
        }
        let deadline = self.clock.deadline(within);
        let left = || deadline.saturating_duration_since(self.clock.now());
        self.open.wait_until_none(LAST_REQUESTS_TIME.min(left()));
        self.shutdown.shutdown();
        // Both are closed when their threads end, which is an error like a timeout.
        self.host_ended.recv_timeout(left()).ok();
        self.worker_ended.recv_timeout(left()).ok();
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.stop(Duration::from_secs(2));
    }
}

fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.connections_max = CONNECTIONS_MAX;
    limits.header_timeout = IDLE_CONNECTION_TIME;
    limits.bodies_bytes_max = REQUESTS_BYTES_MAX;
    limits.shutdown_timeout = Duration::from_secs(1);
    limits
}

/// Runs `work` on a thread; the channel is closed when it has ended.
fn start(
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

fn bind_error(error: ServeError) -> ReceiverError {
    match error {
        ServeError::Listen { address, source } => {
            let is_taken = source.kind() == io::ErrorKind::AddrInUse;
            let port = address.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
            let holder = port.filter(|_| is_taken).and_then(PortHolder::of);
            ReceiverError::Listen { address, holder, source }
        }
        error => ReceiverError::Host(error),
    }
}
