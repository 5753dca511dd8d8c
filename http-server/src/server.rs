//! The server: its listeners, and the loop that accepts connections.
//!
//! All connections are tasks of one runtime on one thread. So the shared state needs no locks: it is in `Rc` and
//! `Cell`. Only long work, such as handling or compressing a large body, goes to a blocking thread.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::LocalSet;

use crate::connection_server::ConnectionServer;
use crate::error::ServeError;
use crate::handler::Handler;
use crate::limits::Limits;
use crate::shutdown_handle::ShutdownHandle;

/// An HTTP server that is bound to its addresses, with the handler that answers its requests.
pub struct HttpServer<H> {
    listeners: Vec<TcpListener>,
    addresses: Vec<SocketAddr>,
    limits: Limits,
    handler: Arc<H>,
    shutdown: ShutdownHandle,
}

impl<H> std::fmt::Debug for HttpServer<H> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpServer").field("addresses", &self.addresses).finish_non_exhaustive()
    }
}

impl<H: Handler> HttpServer<H> {
    /// Time between two calls of [`Handler::tick`].
    const TICK_INTERVAL: Duration = Duration::from_secs(1);
    /// Time to wait after a failed `accept`. The usual cause of the failure is that the process has no file descriptor
    /// left.
    const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(100);

    /// Binds all addresses of `listen`. An address is `host:port`, or `:port` for all interfaces. Port 0 stands for
    /// any free port.
    ///
    /// # Errors
    ///
    /// [`ServeError::NoAddress`] if `listen` is empty, and [`ServeError::Listen`] for the first address that cannot
    /// be bound.
    pub fn bind(listen: &[String], limits: Limits, handler: H) -> Result<Self, ServeError> {
        if listen.is_empty() {
            return Err(ServeError::NoAddress);
        }
        let mut listeners = Vec::new();
        let mut addresses = Vec::new();
        for address in listen {
            let (listener, bound) = bind(address)
                .map_err(|source| ServeError::Listen { address: address.clone(), source })?;
            listeners.push(listener);
            addresses.push(bound);
        }
        let (handler, shutdown) = (Arc::new(handler), ShutdownHandle::new());
        Ok(Self { listeners, addresses, limits, handler, shutdown })
    }

    /// The bound addresses, in the order of the addresses that [`bind`](Self::bind) got. An address with port 0 has
    /// become one with the real port.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// A handle that shuts this server down.
    pub fn shutdown_handle(&self) -> ShutdownHandle {
        self.shutdown.clone()
    }

    /// Serves on the calling thread until a [`ShutdownHandle`] or a response asks for a shutdown.
    ///
    /// # Errors
    ///
    /// [`ServeError::Runtime`] if the async runtime cannot be set up, or a listener cannot be registered with it.
    pub fn run(self) -> Result<(), ServeError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()
            .map_err(ServeError::Runtime)?;
        let result = LocalSet::new().block_on(&runtime, self.serve());
        // A handler may still run on a blocking thread. The server does not wait for it.
        runtime.shutdown_background();
        result
    }

    async fn serve(self) -> Result<(), ServeError> {
        let shutdown_requested = self.shutdown.subscribe();
        let connections = Rc::new(ConnectionServer::new(self.limits, self.handler, self.shutdown));
        let mut acceptors = Vec::new();
        for listener in self.listeners {
            let listener =
                tokio::net::TcpListener::from_std(listener).map_err(ServeError::Runtime)?;
            let connections = Rc::clone(&connections);
            acceptors.push(tokio::task::spawn_local(Self::accept(listener, connections)));
        }
        Self::tick_until_shutdown(connections.handler(), shutdown_requested).await;
        for acceptor in &acceptors {
            acceptor.abort(); // This drops the listener, so that new connections are refused.
        }
        connections.wait_until_closed().await;
        Ok(())
    }

    async fn tick_until_shutdown(handler: &H, mut shutdown_requested: watch::Receiver<bool>) {
        let mut interval = tokio::time::interval(Self::TICK_INTERVAL);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                // `wait_for` fails only if all senders are gone, but the connection server holds one of them.
                _ = shutdown_requested.wait_for(|requested| *requested) => return,
                _ = interval.tick() => handler.tick(),
            }
        }
    }

    async fn accept(listener: tokio::net::TcpListener, connections: Rc<ConnectionServer<H>>) {
        // The permit is taken before `accept`, so that a connection beyond the limit stays in the listener's queue.
        while let Some(permit) = connections.connection_permit().await {
            match listener.accept().await {
                Ok((stream, peer)) => {
                    let connections = Rc::clone(&connections);
                    tokio::task::spawn_local(async move {
                        connections.serve(stream, peer).await;
                        drop(permit);
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

/// Binds one address. `:port` binds `[::]`, which accepts IPv4 clients as well. A machine without IPv6 gets `0.0.0.0`.
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
