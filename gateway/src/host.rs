//! An HTTP/1.1 host for one handler: listeners, limits, timeouts, a graceful stop.
//!
//! It reads a request wholly, hands it to the [`Handler`], and writes the answer.
//! It knows nothing of what is served.
//!
//! Invariants:
//! - Nothing waits without a limit: not for headers, a body, or a reader of an answer.
//! - A handler sees only whole requests; a truncated one is answered 400 here.
//! - A request with both `Content-Length` and `Transfer-Encoding` is answered 400 and its connection closed (RFC 9112, 6.1).

mod collect;
mod connection;
mod message;
mod peer;
mod stream;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::task::LocalSet;

use crate::error::GatewayError;
use connection::Connections;
pub use message::{Request, Response};
pub use peer::Connection;

/// What a host serves.
pub trait Handler: Send + Sync + 'static {
    /// Answers a request. Called on the runtime's thread for small requests and
    /// on a blocking thread for large ones, so possibly several times at once.
    fn handle(&self, request: &Request) -> Response;

    /// Called when a client has connected, before its first request.
    fn connected(&self, _connection: &Connection) {}

    /// Called when a connection has ended: every request on it is answered, or never will be.
    fn disconnected(&self, _connection: &Connection) {}

    /// Called about once a second, between requests.
    fn housekeep(&self) {}
}

/// The limits of a [`Host`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Limits {
    /// Connections open at once; more wait in the listener's queue. Default: 512.
    pub connections_max: usize,
    /// Bytes of a request line with its headers; more is answered 431. At least 8,192. Default: 256 KiB.
    pub header_bytes_max: usize,
    /// Header lines of a request; more are answered 431. Default: 100.
    pub headers_max: usize,
    /// Time for a whole request head, counted from when the connection became idle,
    /// so also how long an idle connection is kept. Default: 10 s.
    pub header_timeout: Duration,
    /// Bytes of a body as sent; more are answered 413. Default: 64 MiB.
    pub body_bytes_max: usize,
    /// Time between two pieces of a body; then 408. Default: 10 s.
    pub body_idle_timeout: Duration,
    /// Time for a whole body; then 408. Default: 120 s.
    pub body_timeout: Duration,
    /// Bytes of all bodies in work at once; a request that needs more is answered 503. Default: 256 MiB.
    pub bodies_bytes_max: usize,
    /// Time in which a client takes nothing of its answer; then the connection is dropped. Default: 30 s.
    pub write_idle_timeout: Duration,
    /// Time that requests in work get to end after a stop. Default: 5 s.
    pub stop_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 512,
            header_bytes_max: 256 << 10,
            headers_max: 100,
            header_timeout: Duration::from_secs(10),
            body_bytes_max: 64 << 20,
            body_idle_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_mins(2),
            bodies_bytes_max: 256 << 20,
            write_idle_timeout: Duration::from_secs(30),
            stop_timeout: Duration::from_secs(5),
        }
    }
}

/// Listeners, bound, with what they serve.
pub struct Host<H> {
    listeners: Vec<TcpListener>,
    addresses: Vec<SocketAddr>,
    limits: Limits,
    handler: Arc<H>,
    stop: Arc<watch::Sender<bool>>,
}

impl<H> std::fmt::Debug for Host<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").field("addresses", &self.addresses).finish_non_exhaustive()
    }
}

/// Stops a [`Host`] from any thread.
#[derive(Clone, Debug)]
pub struct Stopper {
    stop: Arc<watch::Sender<bool>>,
}

impl Stopper {
    /// Asks the host to end: no more connections, no more requests on open ones.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }
}

impl<H: Handler> Host<H> {
    /// Time between two calls of [`Handler::housekeep`].
    const HOUSEKEEPING_INTERVAL: Duration = Duration::from_secs(1);
    /// Time to wait after a failed `accept`, which mostly means that file descriptors are out.
    const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(100);

    /// Binds every address: `host:port`, or `:port` for all interfaces.
    ///
    /// # Errors
    ///
    /// If there is no address, or one cannot be bound.
    pub fn bind(listen: &[String], limits: Limits, handler: H) -> Result<Self, GatewayError> {
        if listen.is_empty() {
            return Err(GatewayError::NoAddress);
        }
        let mut listeners = Vec::new();
        let mut addresses = Vec::new();
        for address in listen {
            let (listener, bound) = bind(address)
                .map_err(|source| GatewayError::Listen { address: address.clone(), source })?;
            listeners.push(listener);
            addresses.push(bound);
        }
        let stop = Arc::new(watch::Sender::new(false));
        Ok(Self { listeners, addresses, limits, handler: Arc::new(handler), stop })
    }

    /// The addresses bound, in the order given, with the ports that were free for `:0`.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// What stops this host.
    pub fn stopper(&self) -> Stopper {
        Stopper { stop: Arc::clone(&self.stop) }
    }

    /// Serves on this thread until stopped.
    ///
    /// # Errors
    ///
    /// If the runtime or a socket cannot be set up.
    pub fn run(self) -> Result<(), GatewayError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()
            .map_err(GatewayError::Runtime)?;
        let result = LocalSet::new().block_on(&runtime, self.serve());
        // A handler may still be at work on a blocking thread; it is not waited for.
        runtime.shutdown_background();
        result
    }

    async fn serve(self) -> Result<(), GatewayError> {
        let stopped = self.stop.subscribe();
        let connections = Rc::new(Connections::new(
            self.limits,
            self.handler,
            stopped.clone(),
            Stopper { stop: Arc::clone(&self.stop) },
        ));
        let mut acceptors = Vec::new();
        for listener in self.listeners {
            let listener =
                tokio::net::TcpListener::from_std(listener).map_err(GatewayError::Runtime)?;
            let connections = Rc::clone(&connections);
            acceptors.push(tokio::task::spawn_local(Self::accept(listener, connections)));
        }
        Self::housekeep_until_stopped(connections.handler(), stopped).await;
        for acceptor in &acceptors {
            acceptor.abort(); // drops the listener: new connections are refused
        }
        connections.wait_until_closed().await;
        Ok(())
    }

    async fn housekeep_until_stopped(handler: &H, mut stopped: watch::Receiver<bool>) {
        let mut interval = tokio::time::interval(Self::HOUSEKEEPING_INTERVAL);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                // An error would mean that the sender is gone, which `connections` holds.
                _ = stopped.wait_for(|stop| *stop) => return,
                _ = interval.tick() => handler.housekeep(),
            }
        }
    }

    async fn accept(listener: tokio::net::TcpListener, connections: Rc<Connections<H>>) {
        let slots: Arc<Semaphore> = connections.slots();
        while let Ok(slot) = Arc::clone(&slots).acquire_owned().await {
            match listener.accept().await {
                Ok((stream, peer)) => {
                    let connections = Rc::clone(&connections);
                    tokio::task::spawn_local(async move {
                        connections.serve(stream, peer).await;
                        drop(slot);
                    });
                }
                Err(error) => {
                    log::warn!("cannot accept a connection: {error}");
                    tokio::time::sleep(Self::ACCEPT_RETRY_DELAY).await;
                }
            }
        }
    }
}

/// Binds one address. Without a host it is `[::]`, which takes IPv4 as well, or `0.0.0.0` where there is no IPv6.
fn bind(address: &str) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = if address.starts_with(':') {
        TcpListener::bind(format!("[::]{address}"))
            .or_else(|_| TcpListener::bind(format!("0.0.0.0{address}")))?
    } else {
        TcpListener::bind(address)?
    };
    listener.set_nonblocking(true)?;
    let bound = listener.local_addr()?;
    Ok((listener, bound))
}
