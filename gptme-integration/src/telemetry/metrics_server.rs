//! `/metrics` on a port, for Prometheus to scrape.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::thread::JoinHandle;

use prompush::{Encoder, Format, Registry};
use prompush_http_server::ServeError;
use prompush_http_server::{Handler, HttpServer, Limits, Request, Response, ShutdownHandle};
use prompush_otlp::receiver::PortHolder;

use crate::error::TelemetryError;

/// Name of the serving thread.
const THREAD_NAME: &str = "prompush-serve";

/// Most bytes of a request's body: a scrape has none.
const BODY_BYTES_MAX: usize = 64 << 10;

/// A server of one registry, on a thread of its own. It ends when dropped.
#[derive(Debug)]
pub(super) struct MetricsServer {
    addresses: Vec<SocketAddr>,
    shutdown: ShutdownHandle,
    thread: Option<JoinHandle<()>>,
}

impl MetricsServer {
    /// Serves on every address of `host`.
    ///
    /// # Errors
    /// [`TelemetryError::PortTaken`] and [`TelemetryError::Listen`].
    pub(super) fn start(host: &str, port: u16, registry: Registry) -> Result<Self, TelemetryError> {
        let address = format!("{host}:{port}");
        let listen = |source| TelemetryError::Listen { address: address.clone(), source };
        let mut addresses: Vec<SocketAddr> =
            (host, port).to_socket_addrs().map_err(listen)?.collect();
        addresses.dedup();
        let server = bind(addresses, &Metrics { registry }).map_err(|source| {
            if source.kind() == io::ErrorKind::AddrInUse {
                let holder = PortHolder::of(port);
                TelemetryError::PortTaken { address: address.clone(), port, holder }
            } else {
                listen(source)
            }
        })?;
        let (addresses, shutdown) = (server.addresses().to_vec(), server.shutdown_handle());
        let thread = std::thread::Builder::new()
            .name(THREAD_NAME.to_owned())
            .spawn(move || {
                if let Err(error) = server.run() {
                    log::error!("cannot serve metrics: {error}");
                }
            })
            .map_err(listen)?;
        Ok(Self { addresses, shutdown, thread: Some(thread) })
    }

    pub(super) fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Ends serving; a request in work is answered first.
    pub(super) fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.shutdown.shutdown();
        if let Some(thread) = self.thread.take() {
            // A panic there has been printed there.
            thread.join().ok();
        }
    }
}

impl Drop for MetricsServer {
    fn drop(&mut self) {
        self.end();
    }
}

/// Binds all addresses: with one alone, `localhost` would be served on IPv6 while another program
/// has the port on IPv4, and nobody would notice. Those that this machine does not have are left
/// out, as long as one remains.
fn bind(mut addresses: Vec<SocketAddr>, metrics: &Metrics) -> io::Result<HttpServer<Metrics>> {
    let mut limits = Limits::default();
    limits.body_bytes_max = BODY_BYTES_MAX;
    loop {
        let listen: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        match HttpServer::bind(&listen, limits.clone(), metrics.clone()) {
            Ok(host) => return Ok(host),
            Err(ServeError::Listen { address, source }) => {
                let is_missing = source.kind() == io::ErrorKind::AddrNotAvailable;
                addresses.retain(|kept| !is_missing || kept.to_string() != address);
                if !is_missing || addresses.is_empty() {
                    return Err(source);
                }
            }
            Err(ServeError::Runtime(source)) => return Err(source),
            Err(other) => return Err(io::Error::other(other)),
        }
    }
}

/// Answers scrapes.
#[derive(Clone, Debug)]
struct Metrics {
    registry: Registry,
}

impl Handler for Metrics {
    fn handle(&self, request: &Request) -> Response {
        match (request.path(), request.method()) {
            ("/metrics", "GET" | "HEAD") => self.metrics(request.header("Accept")),
            ("/metrics", _) => Response::error(405, "method not allowed").header("Allow", "GET"),
            _ => Response::error(404, "metrics are at /metrics"),
        }
    }
}

impl Metrics {
    fn metrics(&self, accept: Option<&str>) -> Response {
        let takes_openmetrics =
            accept.is_some_and(|accept| accept.contains("application/openmetrics-text"));
        let format = if takes_openmetrics { Format::OpenMetrics } else { Format::Text };
        match Encoder::new(format).encode(&self.registry) {
            Ok(body) => Response::with_body(200, format.content_type(), body),
            Err(error) => Response::error(500, &error.to_string()),
        }
    }
}
