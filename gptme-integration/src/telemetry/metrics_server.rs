//! Serves `/metrics` for Prometheus to scrape.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::thread::JoinHandle;

use prompush::{Encoder, Format, Registry};
use prompush_http_server::{
    Handler, HttpServer, Limits, Request, Response, ServeError, ShutdownHandle,
};
use prompush_otlp::receiver::PortHolder;

use crate::error::TelemetryError;

/// Name of the serving thread.
const THREAD_NAME: &str = "prompush-serve";

/// Largest request body, in bytes. A scrape has none.
const BODY_BYTES_MAX: usize = 64 << 10;

/// Serves one registry on a thread of its own, until it is stopped or dropped.
#[derive(Debug)]
pub(crate) struct MetricsServer {
    addresses: Vec<SocketAddr>,
    shutdown: ShutdownHandle,
    thread: Option<JoinHandle<()>>,
}

impl MetricsServer {
    /// Serves on every address of `host`.
    ///
    /// # Errors
    /// [`TelemetryError::PortTaken`] when another program listens on the port,
    /// [`TelemetryError::Listen`] when the address cannot be bound for another reason.
    pub(crate) fn start(host: &str, port: u16, registry: Registry) -> Result<Self, TelemetryError> {
        let address = format!("{host}:{port}");
        let listen_error = |source| TelemetryError::Listen { address: address.clone(), source };
        let mut addresses: Vec<SocketAddr> =
            (host, port).to_socket_addrs().map_err(listen_error)?.collect();
        addresses.dedup();
        let server = bind(addresses, &MetricsHandler { registry }).map_err(|source| {
            if source.kind() == io::ErrorKind::AddrInUse {
                let holder = PortHolder::of(port);
                TelemetryError::PortTaken { address: address.clone(), port, holder }
            } else {
                listen_error(source)
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
            .map_err(listen_error)?;
        Ok(Self { addresses, shutdown, thread: Some(thread) })
    }

    pub(crate) fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Stops serving, after the requests that are being answered.
    fn stop(&mut self) {
        self.shutdown.shutdown();
        if let Some(thread) = self.thread.take() {
            // If the thread panicked, it has printed the panic itself.
            thread.join().ok();
        }
    }
}

impl Drop for MetricsServer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Binds all addresses of a host. If `localhost` were served on its IPv6 address only, another
/// program could listen on the same port of its IPv4 address, and nobody would notice. Addresses
/// that this machine does not have are left out, as long as one remains.
fn bind(
    mut addresses: Vec<SocketAddr>,
    handler: &MetricsHandler,
) -> io::Result<HttpServer<MetricsHandler>> {
    let mut limits = Limits::default();
    limits.body_bytes_max = BODY_BYTES_MAX;
    loop {
        let listen: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        match HttpServer::bind(&listen, limits.clone(), handler.clone()) {
            Ok(server) => return Ok(server),
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
struct MetricsHandler {
    registry: Registry,
}

impl Handler for MetricsHandler {
    fn handle(&self, request: &Request) -> Response {
        match (request.path(), request.method()) {
            ("/metrics", "GET" | "HEAD") => self.metrics(request.header("Accept")),
            ("/metrics", _) => Response::error(405, "method not allowed").header("Allow", "GET"),
            _ => Response::error(404, "metrics are at /metrics"),
        }
    }
}

impl MetricsHandler {
    fn metrics(&self, accept: Option<&str>) -> Response {
        let accepts_openmetrics =
            accept.is_some_and(|accept| accept.contains("application/openmetrics-text"));
        let format = if accepts_openmetrics { Format::OpenMetrics } else { Format::Text };
        match Encoder::new(format).encode(&self.registry) {
            Ok(body) => Response::with_body(200, format.content_type(), body),
            Err(error) => Response::error(500, &error.to_string()),
        }
    }
}
